// Which way of cutting a face is best for a model, and what each wrong choice costs: two tables of
// docs/accuracy.md.
//   crop_profiles choose --pairs pairsDevTrain.txt --images DIR
//   crop_profiles mistakes --train-pairs pairsDevTrain.txt --pairs pairsDevTest.txt --images DIR
// `choose` sees one file of pairs. The rule, fixed before any test pair was looked at: the pairs are halved
// 200 times (mated and non-mated alike), each half is decided by the threshold best on the other, and the
// mean accuracy counts, rounded to .0005 (one pair of pairsDevTrain); of equal ones the area under the ROC.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "likeness/align/align.h"
#include "likeness/core/atomic_file.h"
#include "likeness/detect/face_detector.h"
#include "likeness/embed/comparison.h"
#include "likeness/embed/embedder.h"
#include "likeness/embed/quality.h"
#include "likeness/eval/pairs_file.h"
#include "likeness/eval/verification.h"
#include "likeness/image/read_image.h"
#include "likeness/stats/error_rates.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::size_t kThreads = 2;
constexpr int kHalvings = 200;
constexpr std::uint64_t kSeed = 1;

enum class Outside { kClamp, kRepeat, kBlack };  // what stands beyond the photo's edge

/// One way to make an embedding of a face.
struct Variant {
  std::string name;
  CropSpec crop{};
  bool mirrored = false;                   ///< Averaged with the mirror image's embedding.
  Outside outside = Outside::kClamp;       ///< kClamp: the region ends at the edge, as the contract has it.
  std::function<Box(const Box&)> box{};    ///< Changes the detector's box first.
  std::function<void(Contract&)> input{};  ///< Changes what the network is fed.
  Precision precision = Precision::kF32;
  bool own_precision = false;  ///< Whatever --precision says.
  bool centred = false;        ///< Compared as the contract says; else by the plain cosine.
};

struct Args {
  fs::path models = "models";
  std::string model = "20180408-102900";
  fs::path pairs, train_pairs, images, json;
  std::string precision = "f32";
  std::vector<std::string> only;
};

struct Photo {
  Image image;
  std::vector<Face> faces;
};

/// work(i) for every i below `count`, on kThreads threads; `make` gives each thread its own work.
template <typename Make>
void spread(std::size_t count, Make make) {
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      auto work = make();
      for (std::size_t i = t; i < count; i += kThreads) work(i);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

std::vector<Photo> detect_all(const std::vector<std::string>& names, const Args& args) {
  std::vector<Photo> photos(names.size());
  spread(names.size(), [&] {
    return [&, detector = FaceDetector(args.models / "mtcnn")](std::size_t i) mutable {
      photos[i].image = read_image(args.images / names[i]);
      photos[i].faces = detector.detect(photos[i].image.view());
    };
  });
  return photos;
}

/// The photo with `margin` more pixels on every side.
Image padded(ImageView photo, int margin, Outside outside) {
  Image result(photo.width + 2 * margin, photo.height + 2 * margin);
  if (outside == Outside::kBlack) {
    for (int y = 0; y < photo.height; ++y) {
      std::memcpy(result.row(y + margin) + 3 * margin, photo.row(y),
                  3 * static_cast<std::size_t>(photo.width));
    }
    return result;
  }
  for (int y = 0; y < result.height(); ++y) {
    const std::uint8_t* from = photo.row(std::clamp(y - margin, 0, photo.height - 1));
    for (int x = 0; x < result.width(); ++x) {
      std::memcpy(result.row(y) + 3 * x, from + 3 * std::clamp(x - margin, 0, photo.width - 1), 3);
    }
  }
  return result;
}

Chip cut(const Photo& photo, Face face, const Variant& variant) {
  if (variant.box) face.box = variant.box(face.box);
  if (variant.outside == Outside::kClamp) return cut_chip(photo.image.view(), face, variant.crop);
  const int margin = std::max(photo.image.width(), photo.image.height());
  const auto by = static_cast<float>(margin);
  face.box = {face.box.left + by, face.box.top + by, face.box.right + by, face.box.bottom + by};
  for (Point& point : face.landmarks) point = {point.x + by, point.y + by};
  return cut_chip(padded(photo.image.view(), margin, variant.outside).view(), face, variant.crop);
}

/// Makes embeddings by variants; the network stays open as long as its contract and precision do.
class Maker {
 public:
  explicit Maker(const Args& args) : pack_(load_pack(args.models / args.model)) {}

  const CropSpec& crop() const { return pack_.contract.crop; }

  /// Unit embeddings of every photo, zero where no face was found.
  Embeddings embed(const std::vector<Photo>& photos, const Variant& variant) {
    std::vector<std::vector<Chip>> cuts(photos.size());
    spread(photos.size(), [&] {
      return [&](std::size_t i) {
        const Photo& photo = photos[i];
        const auto face = main_face(photo.faces, photo.image.width(), photo.image.height(), variant.crop);
        if (!face) return;
        cuts[i].push_back(cut(photo, photo.faces[*face], variant));
        if (variant.mirrored) cuts[i].push_back(mirrored(cuts[i].back()));
      };
    });
    std::vector<Chip> chips;
    for (auto& own : cuts) std::copy(own.begin(), own.end(), std::back_inserter(chips));
    open(variant);
    const Embeddings found = average_groups(embedder_->embed(chips), variant.mirrored ? 2 : 1);
    Embeddings all{found.dimension, std::vector<float>(photos.size() * found.dimension)};
    std::size_t row = 0;
    for (std::size_t i = 0; i < photos.size(); ++i) {
      if (cuts[i].empty()) continue;
      std::copy_n(found[row++].data(), found.dimension, all.values.data() + i * found.dimension);
    }
    // `choose` looks at crops by the plain cosine: a centre fitted to one of them would favour it.
    return variant.centred ? Comparison(pack_.contract).comparable(std::move(all)) : all;
  }

 private:
  void open(const Variant& variant) {
    ModelPack pack = pack_;
    if (variant.input) variant.input(pack.contract);
    const std::string id = pack.contract.id() + std::string(to_string(variant.precision));
    if (id == open_) return;
    embedder_.emplace(pack, EmbedderOptions{.precision = variant.precision, .threads = kThreads});
    open_ = id;
  }

  ModelPack pack_;
  std::optional<Embedder> embedder_;
  std::string open_;
};

Comparisons comparisons_of(const std::vector<ScoredPair>& pairs) {
  Comparisons all;
  for (const ScoredPair& pair : pairs) {
    if (pair.score) (pair.pair.mated ? all.mated : all.non_mated).push_back(*pair.score);
  }
  return all;
}

std::vector<ScoredPair> score(const PairsFile& file, const std::vector<Photo>& photos,
                              const Embeddings& embeddings) {
  std::vector<char> found;
  for (const Photo& photo : photos) found.push_back(!photo.faces.empty());
  return score_pairs(file.folds.at(0), embeddings, found);
}

/// Mean accuracy over halvings of the pairs, each half decided by the other's best threshold.
double halved_accuracy(const Comparisons& all) {
  std::mt19937_64 random(kSeed);
  const auto halves = [&](const std::vector<double>& scores) {
    std::vector<double> mixed = scores;
    for (std::size_t i = mixed.size(); i > 1; --i) std::swap(mixed[i - 1], mixed[random() % i]);
    const auto middle = mixed.begin() + static_cast<std::ptrdiff_t>(mixed.size() / 2);
    return std::pair(std::vector(mixed.begin(), middle), std::vector(middle, mixed.end()));
  };
  double sum = 0;
  for (int round = 0; round < kHalvings; ++round) {
    const auto [mated_a, mated_b] = halves(all.mated);
    const auto [other_a, other_b] = halves(all.non_mated);
    const Comparisons a{mated_a, other_a}, b{mated_b, other_b};
    sum += accuracy_at(b, best_threshold(a)) + accuracy_at(a, best_threshold(b));
  }
  return sum / (2 * kHalvings);
}

std::string number(float value) { return std::to_string(value).substr(0, 4); }

/// Changes a box about its centre.
std::function<Box(const Box&)> scaled(float width, float height) {
  return [=](const Box& box) {
    const float x = (box.left + box.right) / 2, y = (box.top + box.bottom) / 2;
    const float w = box.width() * width / 2, h = box.height() * height / 2;
    return Box{x - w, y - h, x + w, y + h};
  };
}

/// The grown box brought to whole pixels downwards.
std::function<Box(const Box&)> whole(float grow) {
  return [=](const Box& box) {
    const Box grown = scaled(grow, grow)(box);
    return Box{std::floor(grown.left), std::floor(grown.top), std::floor(grown.right),
               std::floor(grown.bottom)};
  };
}

std::vector<Variant> crops() {
  std::vector<Variant> all;
  for (const float grow : {1.2F, 1.1F, 1.15F, 1.25F, 1.3F, 1.35F}) {
    all.push_back({.name = "box x" + number(grow), .crop = {.grow = grow}});
    all.push_back({.name = "box upright x" + number(grow), .crop = {.grow = grow, .upright = true}});
    for (const Filter filter : {Filter::kBox, Filter::kBicubic, Filter::kLanczos}) {
      all.push_back({.name = "box x" + number(grow) + " " + std::string(to_string(filter)),
                     .crop = {.filter = filter, .grow = grow}});
    }
    all.push_back({.name = "whole-pixel box x" + number(grow), .crop = {.grow = 1}, .box = whole(grow)});
    all.push_back({.name = "square x" + number(grow), .crop = {.grow = grow, .square = true}});
    all.push_back(
        {.name = "edge repeated x" + number(grow), .crop = {.grow = grow}, .outside = Outside::kRepeat});
    all.push_back(
        {.name = "edge black x" + number(grow), .crop = {.grow = grow}, .outside = Outside::kBlack});
  }
  for (const auto& [width, height] :
       {std::pair{1.3F, 1.2F}, {1.35F, 1.25F}, {1.25F, 1.15F}, {1.2F, 1.3F}, {1.15F, 1.25F}}) {
    all.push_back({.name = "box x" + number(width) + " wide, x" + number(height) + " high",
                   .crop = {.grow = 1},
                   .box = scaled(width, height)});
  }
  for (const float pixels : {8.0F, 12.0F, 16.0F}) {
    all.push_back(
        {.name = "box and " + number(pixels) + " pixels", .crop = {.grow = 1}, .box = [=](const Box& box) {
           return Box{box.left - pixels, box.top - pixels, box.right + pixels, box.bottom + pixels};
         }});
  }
  return all;
}

std::vector<Variant> mistakes(const CropSpec& crop) {
  std::vector<Variant> all;
  const auto cropped = [&](std::string name, auto change) {
    CropSpec other = crop;
    change(other);
    all.push_back({.name = std::move(name), .crop = other});
  };
  cropped("as the contract says", [](CropSpec&) {});
  cropped("the mean face left in", [](CropSpec&) {});
  all.push_back({.name = "f32", .crop = crop, .precision = Precision::kF32, .own_precision = true});
  all.push_back({.name = "bf16", .crop = crop, .precision = Precision::kBf16, .own_precision = true});
  all.push_back({.name = "int8", .crop = crop, .precision = Precision::kInt8, .own_precision = true});
  all.push_back({.name = "standardised per image", .crop = crop, .input = [](Contract& contract) {
                   contract.standardization = Standardization::kPerImage;
                 }});
  all.push_back({.name = "blue for red (BGR)", .crop = crop, .input = [](Contract& contract) {
                   contract.channels = ChannelOrder::kBgr;
                 }});
  for (const float grow : {1.0F, 1.1F, 1.35F, 1.5F, 2.0F}) {
    cropped("grown to " + number(grow), [&](CropSpec& c) { c.grow = grow; });
  }
  cropped(crop.square ? "stretched" : "square", [](CropSpec& c) { c.square = !c.square; });
  cropped(crop.upright ? "not turned upright" : "turned upright",
          [](CropSpec& c) { c.upright = !c.upright; });
  all.push_back({.name = "box at whole pixels", .crop = crop, .box = whole(crop.grow)});
  all.back().crop.grow = 1;
  cropped("nearest pixel", [](CropSpec& c) { c.filter = Filter::kNearest; });
  cropped("five landmarks to fixed places",
          [](CropSpec& c) { c = usual_crop(CropProfile::kAligned, c.width, c.height); });
  cropped("the tutorial's way",
          [](CropSpec& c) { c = usual_crop(CropProfile::kTutorial, c.width, c.height); });
  all.push_back({.name = "no detection: the whole photo", .crop = {.grow = 1}, .box = [](const Box&) {
                   return Box{-1e4F, -1e4F, 1e4F, 1e4F};  // clamped to the photo
                 }});
  for (Variant& variant : all) variant.centred = variant.name != "the mean face left in";
  return all;
}

bool wanted(const Variant& variant, const Args& args) {
  return args.only.empty() || std::find(args.only.begin(), args.only.end(), variant.name) != args.only.end();
}

void finish(const Args& args, const std::string& what, const Json& rows) {
  if (args.json.empty()) return;
  write_file(args.json, Json{{"report", what}, {"model", args.model}, {"rows", rows}}.dump(1) + "\n");
}

void choose(const Args& args) {
  const PairsFile file = read_pairs_file(args.pairs);
  const std::vector<Photo> photos = detect_all(file.photos, args);
  Maker maker(args);
  Json rows = Json::array();
  for (Variant variant : crops()) {
    if (!wanted(variant, args)) continue;
    variant.precision = precision_from(args.precision).value();
    const Comparisons scores = comparisons_of(score(file, photos, maker.embed(photos, variant)));
    const double halved = halved_accuracy(scores);
    const double best = accuracy_at(scores, best_threshold(scores));
    std::printf("%-32s halves %.5f auc %.5f eer %.4f best %.4f\n", variant.name.c_str(), halved,
                area_under_roc(scores), equal_error_rate(scores), best);
    std::fflush(stdout);
    rows.push_back({{"crop", variant.name},
                    {"halves", halved},
                    {"auc", area_under_roc(scores)},
                    {"eer", equal_error_rate(scores)},
                    {"best", best}});
  }
  finish(args, "crops", rows);
}

void cost(const Args& args) {
  const PairsFile train = read_pairs_file(args.train_pairs), test = read_pairs_file(args.pairs);
  const std::vector<Photo> train_photos = detect_all(train.photos, args);
  const std::vector<Photo> test_photos = detect_all(test.photos, args);
  Maker maker(args);
  Json rows = Json::array();
  std::vector<ScoredPair> right;  // the first row's, which the others are compared with
  std::vector<double> right_threshold;
  for (Variant variant : mistakes(maker.crop())) {
    if (!wanted(variant, args)) continue;
    if (!variant.own_precision) variant.precision = precision_from(args.precision).value();
    std::vector<ScoredPair> scored = score(test, test_photos, maker.embed(test_photos, variant));
    const Verification result = verify_pairs(
        {scored}, score(train, train_photos, maker.embed(train_photos, variant)), test.photos, kSeed);
    if (right.empty()) {
      right = scored;
      right_threshold = result.fold_thresholds;
    }
    const PairedDifference by =
        compare_accuracy({scored}, result.fold_thresholds, {right}, right_threshold, test.photos, kSeed);
    std::printf("%-32s accuracy %.4f (%+.4f, %+.4f to %+.4f) auc %.5f eer %.4f\n", variant.name.c_str(),
                result.accuracy, by.difference, by.interval.value().low, by.interval.value().high,
                result.area_under_roc.value(), result.equal_error_rate.value());
    std::fflush(stdout);
    rows.push_back({{"choice", variant.name},
                    {"precision", to_string(variant.precision)},
                    {"accuracy", result.accuracy},
                    {"difference", by.difference},
                    {"interval", {by.interval->low, by.interval->high}},
                    {"auc", *result.area_under_roc},
                    {"eer", *result.equal_error_rate}});
    finish(args, "mistakes", rows);  // complete as far as it goes, should the rest take too long
  }
}

int run(int argc, char** argv) {
  Args args;
  CLI::App app("Crops compared on pairs of photos");
  app.require_subcommand(1);
  const auto part = [&](const char* name, const char* words) {
    CLI::App* command = app.add_subcommand(name, words);
    command->add_option("--models", args.models, "Folder of model packs")->capture_default_str();
    command->add_option("--model", args.model, "Pack that embeds")->capture_default_str();
    command->add_option("--pairs", args.pairs, "Pairs to decide")->required();
    command->add_option("--images", args.images, "Folder of NAME/NAME_0001.jpg")->required();
    command->add_option("--precision", args.precision, "f32 or bf16")->capture_default_str();
    command->add_option("--only", args.only, "Only the rows of these names");
    command->add_option("--json", args.json, "Write the table here as well");
    return command;
  };
  CLI::App* chooser = part("choose", "Crops by the accuracy of halves of the pairs");
  CLI::App* coster = part("mistakes", "What each wrong choice costs");
  coster->add_option("--train-pairs", args.train_pairs, "Pairs that give the threshold")->required();
  CLI11_PARSE(app, argc, argv);
  if (chooser->parsed()) choose(args);
  if (coster->parsed()) cost(args);
  return 0;
}

}  // namespace
}  // namespace likeness

int main(int argc, char** argv) { return likeness::run(argc, argv); }
