#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "cli/options.h"
#include "cli/photos.h"
#include "cli/progress_bar.h"
#include "likeness/dataset/dataset_file.h"
#include "likeness/dataset/photo_folder.h"
#include "likeness/eval/photo_embeddings.h"
#include "likeness/stats/bootstrap.h"
#include "train/options.h"
#include "train/people_study.h"

namespace likeness::train {
namespace {

namespace fs = std::filesystem;
using cli::Exit;
using Clock = std::chrono::steady_clock;

constexpr double kFar = 1e-3;
constexpr int kRounds = 1000;           // of the bootstrap
constexpr double kTuneShare = 1.0 / 3;  // of the training people that --tune judges on
constexpr std::uint64_t kTuneSeed = 20180408;

struct Args {
  fs::path data;
  fs::path train_people;
  fs::path test_people;
  cli::ModelOptions model;
  TrainOptions training;
  HeadOptions head;
  int seeds = 5;
  bool tune = false;
  bool no_cache = false;
  bool json = false;
};

struct Faces {
  Embeddings rows;
  std::vector<int> people;  // from 0, without gaps
};

using Names = std::set<std::string>;

/// Photos in images/NAME of the people who are `wanted`; not everybody has one there.
std::vector<LabelledPhoto> photos_of(const Names& wanted, const fs::path& images) {
  ScanOptions all;
  all.val_share = 0;
  std::vector<LabelledPhoto> photos = scan_photo_folder(images, all).train;
  std::erase_if(photos, [&](const LabelledPhoto& photo) { return !wanted.contains(photo.label); });
  return photos;
}

Faces embed_people(const Names& wanted, const Args& args, const ModelPack& pack, const char* word) {
  const std::vector<LabelledPhoto> photos = photos_of(wanted, args.data);
  std::vector<fs::path> files;
  for (const LabelledPhoto& photo : photos) files.push_back(photo.file);
  Setup setup = args.model;
  setup.threads = args.training.threads;
  cli::ProgressBar bar(word);
  const PhotoEmbeddings embedded =
      embed_photos(files, pack, setup, args.no_cache ? fs::path() : embedding_cache_folder(), bar.callback());
  Faces faces;
  faces.rows.dimension = embedded.embeddings.dimension;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < photos.size(); ++i) {
    if (!embedded.found(i)) continue;
    const auto row = embedded.embeddings[i];
    faces.rows.values.insert(faces.rows.values.end(), row.begin(), row.end());
    names.push_back(photos[i].label);
  }
  faces.people = number_people(names);
  return faces;
}

Faces stored_people(const Names& wanted, const Args& args, const ModelPack& pack) {
  const EmbeddingDataset dataset = read_embeddings(args.data);
  require_same_space(dataset.space, args.data.string(), space_of(pack.contract, args.model.precision),
                     "the model " + pack.contract.name);
  Faces faces;
  faces.rows.dimension = dataset.train.embeddings.dimension;
  std::vector<std::string> names;
  for (const EmbeddingPart* part : {&dataset.train, &dataset.val}) {
    for (std::size_t i = 0; i < part->labels.size(); ++i) {
      if (!wanted.contains(part->labels[i])) continue;
      const auto row = part->embeddings[i];
      faces.rows.values.insert(faces.rows.values.end(), row.begin(), row.end());
      names.push_back(part->labels[i]);
    }
  }
  l2_normalize(faces.rows);
  faces.people = number_people(names);
  return faces;
}

Faces faces_of(const fs::path& list, const Names& wanted, const Args& args, const ModelPack& pack,
               const char* word) {
  Faces faces = args.data.extension() == ".npz" ? stored_people(wanted, args, pack)
                                                : embed_people(wanted, args, pack, word);
  if (faces.people.empty()) {
    throw Error(ErrorCode::kInputUnreadable,
                "no face of anybody in " + list.string() + " in " + args.data.string());
  }
  return faces;
}

Faces chosen(const Faces& faces, const std::vector<std::size_t>& rows) {
  Faces result;
  result.rows.dimension = faces.rows.dimension;
  std::vector<std::string> names;
  for (const std::size_t row : rows) {
    const auto values = faces.rows[row];
    result.rows.values.insert(result.rows.values.end(), values.begin(), values.end());
    names.push_back(std::to_string(faces.people[row]));
  }
  result.people = number_people(names);
  return result;
}

/// Who is learned from and who is judged on.
struct Sets {
  Faces learning;
  Faces judged;
};

Names names_in(const fs::path& list) {
  const std::vector<std::string> names = read_people_file(list);
  return {names.begin(), names.end()};
}

Sets load(const Args& args, const ModelPack& pack) {
  const Names learning = names_in(args.train_people);
  if (args.tune) {
    const Faces all = faces_of(args.train_people, learning, args, pack, "training");
    const Split split = hold_out_people(all.people, kTuneShare, kTuneSeed);
    return {chosen(all, split.learning), chosen(all, split.held_out)};
  }
  const Names judged = names_in(args.test_people);
  for (const std::string& name : judged) {
    if (learning.contains(name)) {
      throw Error(ErrorCode::kDataInvalid, name + " is in " + args.train_people.string() + " and in " +
                                               args.test_people.string() +
                                               "; what is learned from cannot judge");
    }
  }
  return {faces_of(args.train_people, learning, args, pack, "training"),
          faces_of(args.test_people, judged, args, pack, "test")};
}

/// One way to embed the judged faces; of several seeds the mean counts.
struct Way {
  std::string name;
  std::vector<CrossPairs> runs;

  void add(const Embeddings& rows, const Faces& judged) { runs.emplace_back(rows, judged.people, kFar); }
  [[nodiscard]] double val(std::span<const int> times) const {
    double sum = 0;
    for (const CrossPairs& run : runs) sum += run.val(times);
    return sum / static_cast<double>(runs.size());
  }
};

struct Difference {
  const Way* a;
  const Way* b;
};

struct Study {
  Way full{"all values", {}};
  Way full_bytes{"all values, one byte each", {}};
  Way untrained{"untrained head", {}};
  Way pca{"PCA", {}};
  Way pca_bytes{"PCA, one byte each", {}};
  Way trained{"trained head", {}};
  Way trained_bytes{"trained head, one byte each", {}};
  double training_seconds = 0;

  [[nodiscard]] std::vector<const Way*> ways() const {
    return {&full, &full_bytes, &untrained, &pca, &pca_bytes, &trained, &trained_bytes};
  }
  [[nodiscard]] std::vector<Difference> differences() const {
    return {{&trained, &untrained},     {&trained, &pca},   {&trained, &full},
            {&trained_bytes, &trained}, {&pca_bytes, &pca}, {&full_bytes, &full}};
  }
};

void train_once(const Sets& sets, const Args& args, std::uint64_t seed, Study& study) {
  TrainOptions options = args.training;
  options.seed = seed;
  const Split split = hold_out_people(sets.learning.people, options.held_out_share, seed);
  const Projection start = random_projection(centre_of(sets.learning.rows, split.learning),
                                             static_cast<std::size_t>(args.head.dimension), seed);
  study.untrained.add(project(start, sets.judged.rows), sets.judged);
  Learner learner = head_learner(sets.learning.rows, start, args.head.noise, seed);
  const TrainResult result = Trainer(learner, sets.learning.people, options).train();
  if (result.stop == Stop::kCollapse) {
    throw std::invalid_argument("seed " + std::to_string(seed) + ": " + result.reason);
  }
  const Embeddings rows = project(projection_of(learner), sets.judged.rows);
  study.trained.add(rows, sets.judged);
  study.trained_bytes.add(as_bytes(rows), sets.judged);
}

Study study_of(const Sets& sets, const Args& args) {
  Study study;
  study.full.add(sets.judged.rows, sets.judged);
  study.full_bytes.add(as_bytes(sets.judged.rows), sets.judged);
  const Embeddings pca =
      project(principal_projection(sets.learning.rows, static_cast<std::size_t>(args.head.dimension)),
              sets.judged.rows);
  study.pca.add(pca, sets.judged);
  study.pca_bytes.add(as_bytes(pca), sets.judged);
  cli::ProgressBar bar("seeds");
  const auto begun = Clock::now();
  for (int seed = 1; seed <= args.seeds; ++seed) {
    train_once(sets, args, static_cast<std::uint64_t>(seed), study);
    bar.show(static_cast<std::size_t>(seed), static_cast<std::size_t>(args.seeds));
  }
  study.training_seconds = std::chrono::duration<double>(Clock::now() - begun).count();
  return study;
}

/// People are drawn in the same way for every figure, so differences are paired.
BootstrapResult interval_of(const Study& study,
                            const std::function<double(std::span<const int>)>& statistic) {
  const auto sure = bootstrap_identities(study.full.runs.front().people(), kRounds, 1, statistic);
  if (!sure) throw Error(ErrorCode::kDataInvalid, "intervals need faces of two people");
  return *sure;
}

void print(const Args& args, const Sets& sets, const Study& study, double seconds) {
  const std::vector<int> once(study.full.runs.front().people(), 1);
  const CrossPairs& pairs = study.full.runs.front();
  nlohmann::ordered_json json{
      {"judged_on", args.tune ? "a third of the training people" : args.test_people.string()},
      {"people", pairs.people()},
      {"mated", pairs.mated()},
      {"non_mated", pairs.non_mated()},
      {"seeds", args.seeds},
      {"seconds", seconds},
      {"training_seconds", study.training_seconds}};
  if (!args.json) {
    std::printf("Learned from %zu faces of %d people; judged on %zu faces of %zu people%s\n",
                sets.learning.people.size(), *std::ranges::max_element(sets.learning.people) + 1,
                sets.judged.people.size(), pairs.people(),
                args.tune ? " (a third of the training people)" : "");
    std::printf("VAL at FAR %g over %zu mated and %zu non-mated pairs; intervals 95 %%, people resampled\n\n",
                kFar, pairs.mated(), pairs.non_mated());
    std::printf("%-30s %6s  %-15s %s\n", "embedding", "VAL", "interval", "seeds from, to");
  }
  for (const Way* way : study.ways()) {
    const double val = way->val(once);
    const auto interval = interval_of(study, [&](auto times) { return way->val(times); }).interval;
    std::vector<double> each;
    for (const CrossPairs& run : way->runs) each.push_back(run.val());
    const auto [low, high] = std::ranges::minmax(each);
    json["val"].push_back({{"embedding", way->name},
                           {"val", val},
                           {"interval", {interval.low, interval.high}},
                           {"seeds", each}});
    if (args.json) continue;
    std::printf("%-30s %.4f  %.4f to %.4f", way->name.c_str(), val, interval.low, interval.high);
    if (each.size() > 1) std::printf("  %.4f, %.4f", low, high);
    std::printf("\n");
  }
  if (!args.json) std::printf("\n%-62s %7s  %s\n", "paired difference", "points", "interval");
  for (const auto& [a, b] : study.differences()) {
    const double points = 100 * (a->val(once) - b->val(once));
    const auto interval = interval_of(study, [&, a = a, b = b](auto times) {
                            return 100 * (a->val(times) - b->val(times));
                          }).interval;
    json["differences"].push_back({{"of", a->name},
                                   {"less", b->name},
                                   {"points", points},
                                   {"interval", {interval.low, interval.high}}});
    if (args.json) continue;
    std::printf("%-62s %+7.2f  %+.2f to %+.2f\n", (a->name + " less " + b->name).c_str(), points,
                interval.low, interval.high);
  }
  if (args.json) std::cout << cli::dump_line(json) << '\n';
  if (!args.json) {
    std::printf("\n%d seeds trained in %.0f s; all of it %.0f s, %d threads\n", args.seeds,
                study.training_seconds, seconds, args.training.threads);
  }
}

Exit run(const Args& args) {
  const auto begun = Clock::now();
  const ModelPack pack = args.model.embedder();
  const Sets sets = load(args, pack);
  const Study study = study_of(sets, args);
  print(args, sets, study, std::chrono::duration<double>(Clock::now() - begun).count());
  return Exit::kDone;
}

}  // namespace

void add_study_command(CLI::App& app, Exit& exit) {
  auto args = std::make_shared<Args>();
  CLI::App* command = app.add_subcommand(
      "study", "What training a projection brings on LFW's people, beside PCA and no training");
  command->footer(
      "Example: likeness-train study lfw/images --train-people lfw/peopleDevTrain.txt --test-people "
      "lfw/peopleDevTest.txt");
  command->add_option("data", args->data, "Folder of NAME/photos, or their embeddings (.npz)")->required();
  command->add_option("--train-people", args->train_people, "LFW's peopleDevTrain.txt: learned from")
      ->required();
  auto* test = command->add_option("--test-people", args->test_people, "LFW's peopleDevTest.txt: judged on");
  auto* tune = command->add_flag("--tune", args->tune,
                                 "Judge on a third of the training people instead, to choose options by");
  test->excludes(tune);
  add_head_options(*command, args->head);
  command->add_option("--seeds", args->seeds, "Trainings, with seeds 1, 2, ...")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  add_training_options(*command, args->training);
  command->add_flag("--no-cache", args->no_cache, "Embed all photos anew");
  cli::add_model_options(*command, args->model);
  cli::add_threads_option(*command, args->training.threads);
  cli::add_json_option(*command, args->json);
  command->callback([args, &exit] {
    if (!args->tune && args->test_people.empty()) throw CLI::RequiredError("--test-people or --tune");
    exit = run(*args);
  });
}

}  // namespace likeness::train
