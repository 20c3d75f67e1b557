// Files with the layout of facenet_keras.h5 and real weights, 95 MB each, through the road that a user's own
// file takes.
// ../shared/reference/make_facenet_h5.py writes them; what they must give was computed there by tf_keras.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "likeness/core/error.h"
#include "likeness/core/file.h"
#include "likeness/embed/embedder.h"
#include "likeness/embed/import_pack.h"
#include "likeness/embed/own_network.h"
#include "likeness/model/trainable.h"
#include "likeness/npz/npz.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;
const fs::path kReference = LIKENESS_SHARED "/reference";
const fs::path kFrozen = LIKENESS_MODELS "/20180408-102900/graph_final.pb";

/// Debian's own Python, for its h5py is a Debian package (scripts/setup --dev).
bool python(const std::vector<std::string>& arguments) {
  std::string command = "/usr/bin/python3";
  for (const std::string& argument : arguments) command += " '" + argument + "'";
  return std::system((command + " >&2").c_str()) == 0;
}

class FacenetH5 : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = fs::path(testing::TempDir()) / ("likeness_facenet_h5_" + std::to_string(::getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "models");
  }
  static void TearDownTestSuite() { fs::remove_all(folder_); }
  void SetUp() override {
    if (!fs::exists(kReference)) GTEST_SKIP() << "no folder " << kReference;
  }

  /// The file of that dimension, written once.
  static fs::path file(int dimension) {
    const fs::path path = folder_ / ("facenet_" + std::to_string(dimension) + ".h5");
    if (!fs::exists(path)) {
      EXPECT_TRUE(
          python({kReference / "make_facenet_h5.py", kFrozen, path, "--dim", std::to_string(dimension)}));
    }
    return path;
  }
  static ModelPack imported(const fs::path& path) {
    ImportOptions options;
    options.reader = LIKENESS_READER;
    options.name = path.stem();
    options.replace = true;
    return import_pack(path, folder_ / "models", options);
  }
  static NpzFile golden(int dimension) {
    return NpzFile(kReference / ("h5_golden_" + std::to_string(dimension) + ".npz"));
  }
  static std::vector<Chip> faces(int dimension) {
    const auto pixels = golden(dimension).get<std::uint8_t>("faces");
    constexpr std::size_t kChip = 160UL * 160 * 3;
    std::vector<Chip> chips;
    for (std::size_t i = 0; i < pixels.shape.at(0); ++i) {
      const auto* first = pixels.values.data() + i * kChip;
      chips.emplace_back(160, 160, std::vector<std::uint8_t>(first, first + kChip));
    }
    return chips;
  }
  static Embeddings raw(ModelPack pack, Standardization standardization, int dimension) {
    pack.contract.standardization = standardization;
    pack.contract.mean = 127.5F;
    pack.contract.scale = 128.0F;
    return Embedder(pack, {.threads = 2}).embed_raw(faces(dimension));
  }
  static double difference(const std::vector<float>& a, const std::vector<float>& b) {
    EXPECT_EQ(a.size(), b.size());
    double largest = 0;
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
      largest = std::max(largest, std::abs(static_cast<double>(a[i]) - b[i]));
    }
    return largest;
  }
  /// Raw outputs are tf_keras's, for both standardisations.
  static void expect_golden(const ModelPack& pack, int dimension) {
    EXPECT_LT(difference(raw(pack, Standardization::kFixed, dimension).values,
                         golden(dimension).get<float>("raw_fixed").values),
              1e-4);
    EXPECT_LT(difference(raw(pack, Standardization::kPerImage, dimension).values,
                         golden(dimension).get<float>("raw_prewhiten").values),
              1e-4);
  }
  static fs::path folder_;
};
fs::path FacenetH5::folder_;

TEST_F(FacenetH5, Of512ValuesIsKnownAndGivesTheFrozenGraphsEmbeddings) {
  const ModelPack pack = imported(file(512));
  EXPECT_EQ(pack.contract.standardization, Standardization::kFixed);
  EXPECT_EQ(pack.contract.crop.profile, CropProfile::kMargin);
  EXPECT_FALSE(pack.contract.unit_length);
  // The graph is the same whatever file it came in, and so are the kernels that compute it.
  EXPECT_EQ(own_network(pack, Precision::kF32, {}).has_value(), GraphEngine::pays_off(Precision::kF32));
  EXPECT_TRUE(read_trainable(pack.network(Precision::kF32)).layers.size() > 132);
  expect_golden(pack, 512);
  const auto chips = faces(512);
  EXPECT_LT(difference(Embedder(pack).embed(chips).values,
                       Embedder(load_pack(kFrozen.parent_path())).embed(chips).values),
            2e-6);
}

TEST_F(FacenetH5, Of128ValuesIsKnownAsTheTutorials) {
  const ModelPack pack = imported(file(128));
  EXPECT_EQ(pack.contract.dimension, 128);
  EXPECT_EQ(pack.contract.standardization, Standardization::kPerImage);
  EXPECT_EQ(pack.contract.crop.profile, CropProfile::kTutorial);
  expect_golden(pack, 128);
}

TEST_F(FacenetH5, GivesTheSameInEverySpelling) {
  const fs::path variants = folder_ / "variants";
  fs::create_directories(variants);
  ASSERT_TRUE(python({LIKENESS_TOOLS "/make_facenet_variants.py", file(128), variants}));
  const Embeddings expected = raw(imported(file(128)), Standardization::kFixed, 128);
  for (const char* name :
       {"vlen.h5", "fixed.h5", "axis_list.h5", "split_names.h5", "numbered.h5", "weights_only.h5"}) {
    SCOPED_TRACE(name);
    const ModelPack pack = imported(variants / name);
    EXPECT_EQ(raw(pack, Standardization::kFixed, 128).values, expected.values);
    fs::remove(variants / name);
    fs::remove_all(pack.folder);
  }
}

/// Damages one file in many ways, importing it each time as a user would.
class Damage {
 public:
  Damage(const fs::path& whole, const fs::path& folder)
      : file_(folder / ("damaged" + whole.extension().string())) {
    fs::copy_file(whole, file_, fs::copy_options::overwrite_existing);
    options_.reader = LIKENESS_READER;
    options_.name = "damaged";
    options_.replace = true;
  }
  ~Damage() { fs::remove(file_); }
  Damage(const Damage&) = delete;
  Damage& operator=(const Damage&) = delete;

  /// With `bytes` at `place`, which are put back afterwards.
  void overwritten(std::size_t place, const std::string& bytes) {
    const std::string before = exchanged(place, bytes);
    attempt();
    exchanged(place, before);
  }
  void flipped(std::size_t place, unsigned bit) {
    std::string byte = exchanged(place, "?");
    const std::string before = byte;
    byte[0] = static_cast<char>(byte[0] ^ static_cast<char>(1U << bit % 8));
    exchanged(place, byte);
    attempt();
    exchanged(place, before);
  }
  /// To the last: what is cut off is not put back.
  void cut(std::size_t size) {
    fs::resize_file(file_, size);
    attempt();
  }
  int attempts = 0;
  int refused = 0;
  std::string crashes;  // the messages that say so

 private:
  std::string exchanged(std::size_t place, const std::string& bytes) {
    std::fstream file(file_, std::ios::in | std::ios::out | std::ios::binary);
    std::string before(bytes.size(), '\0');
    file.seekg(static_cast<long>(place));
    file.read(before.data(), static_cast<long>(before.size()));
    file.seekp(static_cast<long>(place));
    file.write(bytes.data(), static_cast<long>(bytes.size()));
    EXPECT_TRUE(file.good()) << place;
    return before;
  }
  void attempt() {
    ++attempts;
    try {
      const ModelPack pack = import_pack(file_, file_.parent_path() / "models", options_);
      EXPECT_EQ(pack.contract.crop.width, 160);
    } catch (const Error& e) {
      ++refused;
      const std::string text = e.what();
      EXPECT_EQ(e.code(), ErrorCode::kModelInvalid) << text;
      EXPECT_NE(text.find(file_.filename()), std::string::npos) << text;
      EXPECT_EQ(text.find('\n'), std::string::npos) << text;
      EXPECT_EQ(text.find(" took over "), std::string::npos) << text;
      if (text.find("crashed") != std::string::npos) crashes += text + "\n";
    } catch (const std::invalid_argument&) {
      ++refused;  // loaded, but no longer a model that is known: it asks how it was trained
    }
  }

  fs::path file_;
  ImportOptions options_;
};

std::string content(const fs::path& file) {
  const auto bytes = read_file_bytes(file, 1UL << 30);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Up to `count` places where `text` stands, spread over the file.
std::vector<std::size_t> places_of(const std::string& content, std::string_view text, std::size_t count) {
  std::vector<std::size_t> all;
  for (auto at = content.find(text); at != std::string::npos; at = content.find(text, at + 1))
    all.push_back(at);
  std::vector<std::size_t> some;
  for (std::size_t i = 0; i < count && !all.empty(); ++i) some.push_back(all[i * all.size() / count]);
  return some;
}

// The child may have 1 GiB for files of this size (import_pack.cpp), so no allocation above it can succeed.
// libhdf5 1.10.8 itself crashes on some: that is what the child is for, and the message says so.
TEST_F(FacenetH5, SurvivesAHundredDamagesOfAKerasFile) {
  const std::string whole = content(file(512));
  Damage damage(file(512), folder_);
  for (std::size_t i = 0; i < 20; ++i) damage.flipped(i * 5, static_cast<unsigned>(i));  // the superblock
  // Object headers, group trees, name heaps, symbol tables, texts: flipped bytes and huge sizes.
  for (const std::string_view kind : {"TREE", "HEAP", "SNOD", "GCOL", "kernel:0"}) {
    const auto places = places_of(whole, kind, 10);
    ASSERT_FALSE(places.empty()) << kind;
    for (std::size_t i = 0; i < places.size(); ++i) {
      if (i % 2 == 0) damage.flipped(places[i] + i % 4 + (i % 3 == 0 ? 8 : 0), static_cast<unsigned>(i));
      if (i % 2 == 1) damage.overwritten(places[i] + 8, std::string(8, '\xFF'));
    }
  }
  // A circle: the first normalisation reads the last layer but one. And a huge number where a size is due.
  const auto circle = whole.find("[[[\"Conv2d_1a_3x3\", 0, 0, {}]]]");
  ASSERT_NE(circle, std::string::npos);
  damage.overwritten(circle, "[[[\"Bottleneck\", 0, 0, {}]]]   ");
  const auto filters = whole.find("\"filters\": 32");
  ASSERT_NE(filters, std::string::npos);
  damage.overwritten(filters, "\"filters\":9e9");
  for (std::size_t i = 28; i > 0; --i) damage.cut(whole.size() / 28 * i - 1);
  EXPECT_EQ(damage.attempts, 100);
  EXPECT_GT(damage.refused, 60);  // bytes that nobody reads are flipped, too
  std::cerr << damage.refused << " refused\n" << damage.crashes;
}

TEST_F(FacenetH5, SurvivesAHundredDamagesOfAFrozenGraph) {
  const std::string whole = content(kFrozen);
  Damage damage(kFrozen, folder_);
  const auto attributes = places_of(whole, "dtype", 30);
  ASSERT_EQ(attributes.size(), 30U);
  for (std::size_t i = 0; i < attributes.size(); ++i) {
    // Lengths and keys before the word, the type after it.
    if (i % 2 == 0) damage.flipped(attributes[i] - 1 - i % 8, static_cast<unsigned>(i));
    if (i % 2 == 1) damage.overwritten(attributes[i] - 2 - i % 4, std::string(8, '\xFF'));
  }
  const auto names = places_of(whole, "InceptionResnetV1/", 30);
  ASSERT_EQ(names.size(), 30U);
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i % 2 == 0) damage.flipped(names[i] - i % 4, static_cast<unsigned>(i));
    if (i % 2 == 1) damage.overwritten(names[i] - 1 - i % 4, std::string(5, '\xFF'));
  }
  for (std::size_t i = 0; i < 10; ++i) damage.flipped(i, static_cast<unsigned>(i));
  for (std::size_t i = 30; i > 0; --i) damage.cut(whole.size() / 30 * i - 1);
  EXPECT_EQ(damage.attempts, 100);
  EXPECT_GT(damage.refused, 80);
  EXPECT_EQ(damage.crashes, "");  // of this format our own reader sees every byte first
}

}  // namespace
}  // namespace likeness
