// Galleries through the program, on drawn people: add, search, calibrate, list, rename, merge, remove,
// exchange.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "likeness/core/atomic_file.h"
#include "likeness/dataset/dataset_file.h"
#include "likeness/image/write_image.h"
#include "tests/run_program.h"
#include "tests/tiny/tiny_world.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class TinyGallery : public testing::Test {
 protected:
  /// `gallery COMMAND ...` on the gallery g.
  ProgramResult gallery(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "gallery");
    arguments.insert(arguments.end(), {"--gallery", folder_ / "g", "--json"});
    return run_likeness(arguments);
  }
  /// The same for a command that looks at photos.
  ProgramResult with_models(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--models", tiny::packs(), "--model", tiny::kEmbedder});
    return gallery(arguments);
  }
  /// People 0 to 7, four photos each.
  void enrol(const std::vector<std::string>& options = {}) {
    tiny::write_people(folder_ / "enrolled", 0, 8, 4, 100);
    std::vector<std::string> arguments{"add", folder_ / "enrolled", "--review", "off"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const auto result = with_models(arguments);
    ASSERT_EQ(result.code, 0) << result.err;
  }
  std::map<std::string, int> people() {
    std::map<std::string, int> faces;
    for (const std::string& line : lines(gallery({"list"}).out)) {
      const json person = json::parse(line);
      faces[person["name"]] = person["faces"];
    }
    return faces;
  }
  /// What is said of the face in a new photo of `person`; an object with "name" null where something failed.
  json asked(int person) {
    const auto photo = tiny::write_people(folder_ / "asked", person, person + 1, 1, 900U + person);
    const auto result = with_models({"search", photo[0], "--index", "exact"});
    EXPECT_EQ(result.code, 0) << result.err;
    const json face = json::parse(result.out, nullptr, /*allow_exceptions=*/false);
    if (face.is_object() && face.contains("name")) return face;
    ADD_FAILURE() << result.out;
    return {{"name", nullptr}, {"nearest", {{"name", nullptr}}}};
  }
  json named(int person) { return asked(person)["name"]; }
  tiny::Folder folder_;
};

TEST_F(TinyGallery, MigratesToAnotherModelAndSaysWhoStaysBehind) {
  enrol();
  // Another crop is another space, as another model is.
  const auto migrate = [&] {
    return with_models({"migrate", "--into", folder_ / "new", "--profile", "aligned"});
  };
  fs::remove(folder_ / "enrolled/person_03/1.png");
  fs::copy_file(folder_ / "enrolled/person_04/0.png", folder_ / "enrolled/person_04/1.png",
                fs::copy_options::overwrite_existing);
  for (const char* status : {"migrated", "known"}) {
    const auto result = migrate();
    EXPECT_EQ(result.code, 1) << result.err;
    std::map<std::string, int> told;
    for (const std::string& line : lines(result.out)) ++told[json::parse(line)["status"].get<std::string>()];
    EXPECT_EQ(told, (std::map<std::string, int>{{status, 30}, {"no photo", 1}, {"another photo", 1}}));
  }
  const auto list = run_likeness({"gallery", "list", "--gallery", folder_ / "new", "--json"});
  EXPECT_EQ(lines(list.out).size(), 8U);
  // Nobody need name the model: the gallery does.
  const auto photo = tiny::write_people(folder_ / "asked", 5, 6, 1, 905);
  const auto asked = run_likeness({"gallery", "search", photo[0], "--gallery", folder_ / "new", "--models",
                                   tiny::packs(), "--profile", "aligned", "--json"});
  ASSERT_EQ(asked.code, 0) << asked.err;
  EXPECT_EQ(json::parse(asked.out)["nearest"]["name"], tiny::name_of(5));
  EXPECT_EQ(with_models({"migrate", "--into", folder_ / "g"}).code, 2);
}

TEST_F(TinyGallery, EnrolsCalibratesAndTellsKnownFromUnknown) {
  enrol();
  EXPECT_EQ(people().size(), 8U);
  for (const auto& [name, faces] : people()) EXPECT_EQ(faces, 4) << name;
  tiny::write_people(folder_ / "strangers", 8, 20, 4, 500);
  const auto calibrated =
      with_models({"calibrate", "--impostors", folder_ / "strangers", "--target-fpir", "0.1"});
  ASSERT_EQ(calibrated.code, 0) << calibrated.err;
  for (int person = 0; person < 8; ++person) EXPECT_EQ(named(person), tiny::name_of(person));
  int strangers_named = 0;
  for (int person = 20; person < 27; ++person) strangers_named += named(person) == "unknown" ? 0 : 1;
  EXPECT_LE(strangers_named, 2);  // of 7
}

TEST_F(TinyGallery, TheSamePhotosAgainAddNothing) {
  enrol();
  const auto again = with_models({"add", folder_ / "enrolled", "--review", "off"});
  EXPECT_EQ(again.code, 0) << again.err;
  for (const auto& [name, faces] : people()) EXPECT_EQ(faces, 4) << name;
}

TEST_F(TinyGallery, AFaceIsKnownWhateverRoadItComesBy) {
  tiny::write_people(folder_ / "enrolled", 0, 3, 2, 100);
  const std::vector<std::string> models{"--models", tiny::packs(), "--model", tiny::kEmbedder};
  const auto run = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), models.begin(), models.end());
    const auto result = run_likeness(arguments);
    EXPECT_EQ(result.code, 0) << result.err;
  };
  const auto import = [&](const char* npz) {
    const auto result = gallery({"import", folder_ / npz});
    EXPECT_EQ(result.code, 0) << result.err;
    return json::parse(result.out);
  };
  run({"embed", folder_ / "enrolled", "-o", folder_ / "e.npz", "--val-share", "0"});
  run({"extract", folder_ / "enrolled", "-o", folder_ / "faces.npz", "--val-share", "0"});
  run({"embed", folder_ / "faces.npz", "-o", folder_ / "f.npz"});
  run({"embed", folder_ / "enrolled/person_00/0.png", folder_ / "enrolled/person_01/0.png", "-o",
       folder_ / "loose.npz"});
  // As an older likeness wrote it: rows and names.
  EmbeddingDataset bare = read_embeddings(folder_ / "e.npz");
  EXPECT_EQ(bare.train.origins.hashes.size(), 6U);
  bare.train.origins = {};
  bare.train.files.clear();
  write_embeddings(folder_ / "bare.npz", bare);

  EXPECT_EQ(import("bare.npz"), json::parse(R"({"added": 6, "known": 0})"));
  for (const char* npz : {"bare.npz", "e.npz", "f.npz"})
    EXPECT_EQ(import(npz), json::parse(R"({"added": 0, "known": 6})")) << npz;
  EXPECT_EQ(with_models({"add", folder_ / "enrolled", "--review", "off"}).code, 0);
  std::map<std::string, int> expected{{"person_00", 2}, {"person_01", 2}, {"person_02", 2}};
  EXPECT_EQ(people(), expected);
  // With the photos known, whoever is said to be in them.
  EXPECT_EQ(gallery({"remove", "person_00"}).code, 0);
  EXPECT_EQ(import("e.npz"), json::parse(R"({"added": 2, "known": 4})"));
  EXPECT_EQ(people(), expected);
  fs::remove(folder_ / "g");
  EXPECT_EQ(import("e.npz"), json::parse(R"({"added": 6, "known": 0})"));
  EXPECT_EQ(import("loose.npz"), json::parse(R"({"added": 0, "known": 2})"));
  EXPECT_EQ(with_models({"add", folder_ / "enrolled/person_01", "--name", "Zoe", "--review", "off"}).code, 0);
  EXPECT_EQ(people(), expected);
  EXPECT_EQ(gallery({"check"}).code, 0);
}

TEST_F(TinyGallery, AFolderNamedAsNobodyMayBeCostsNobodyElse) {
  tiny::write_people(folder_ / "d", 0, 4, 1, 100);
  fs::rename(folder_ / "d/person_00", folder_ / "d/Jose\u0301 ");
  fs::rename(folder_ / "d/person_01", folder_ / "d/ ");
  fs::rename(folder_ / "d/person_02", folder_ / "d/unknown");
  const auto result = with_models({"add", folder_ / "d", "--review", "off"});
  EXPECT_EQ(result.code, 1) << result.err;
  EXPECT_NE(result.err.find("\"unknown\": \"unknown\" is what strangers are called"), std::string::npos)
      << result.err;
  EXPECT_NE(result.err.find("is nobody's folder: its name is blank"), std::string::npos) << result.err;
  EXPECT_EQ(people(), (std::map<std::string, int>{{"Jos\u00e9", 1}, {"person_03", 1}}));
  const auto blank = with_models({"add", folder_ / "d/person_03", "--name", " "});
  EXPECT_EQ(blank.code, 2);
  EXPECT_EQ(lines(blank.err).size(), 1U) << blank.err;
  EXPECT_NE(blank.err.find("must not be empty or blank"), std::string::npos) << blank.err;
}

TEST_F(TinyGallery, EmbeddedPhotosOfOneNameAreNotOnePerson) {
  const auto photos = tiny::write_people(folder_ / "d", 0, 2, 1, 100);
  const auto result = run_likeness({"embed", photos[0], photos[1], "-o", folder_ / "e.npz", "--models",
                                    tiny::packs(), "--model", tiny::kEmbedder});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(read_embeddings(folder_ / "e.npz").train.labels,
            (std::vector<std::string>{photos[0].string(), photos[1].string()}));
}

TEST_F(TinyGallery, PeopleAreRenamedMergedRemovedAndExchanged) {
  enrol();
  EXPECT_EQ(gallery({"rename", tiny::name_of(0), "Ann"}).code, 0);
  EXPECT_EQ(gallery({"merge", tiny::name_of(1), tiny::name_of(2)}).code, 0);
  EXPECT_EQ(gallery({"remove", tiny::name_of(3)}).code, 0);
  auto left = people();
  EXPECT_EQ(left.size(), 6U);
  EXPECT_EQ(left["Ann"], 4);
  EXPECT_EQ(left[tiny::name_of(2)], 8);
  EXPECT_EQ(left.count(tiny::name_of(3)), 0U);
  // Without a calibration the contract's measured threshold decides.
  EXPECT_EQ(named(0), "Ann");
  // Two unlike people are one now, so that neither need be near enough for a name.
  EXPECT_EQ(asked(1)["nearest"]["name"], tiny::name_of(2));
  EXPECT_NE(named(3), tiny::name_of(3));
  EXPECT_EQ(gallery({"remove", tiny::name_of(3)}).code, 3);
  EXPECT_EQ(gallery({"export", "-o", folder_ / "all.npz"}).code, 0);
  EXPECT_EQ(gallery({"check"}).code, 0);
  const auto copied = run_likeness({"gallery", "backup", folder_ / "g", folder_ / "copy"});
  EXPECT_EQ(copied.code, 0) << copied.err;
  EXPECT_EQ(run_likeness({"gallery", "backup", folder_ / "g", folder_ / "copy"}).code, 7);
  EXPECT_EQ(gallery({"purge"}).code, 0);
  std::ifstream file(folder_ / "g", std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(file), {});
  EXPECT_EQ(bytes.find("person_03"), std::string::npos);  // removed
  EXPECT_NE(bytes.find("person_02"), std::string::npos);
  EXPECT_EQ(gallery({"remove", tiny::name_of(2)}).code, 0);
  EXPECT_NE(people(), left);
  const auto restored = run_likeness({"gallery", "restore", folder_ / "g", folder_ / "copy"});
  EXPECT_EQ(restored.code, 0) << restored.err;
  EXPECT_EQ(people(), left);
  EXPECT_EQ(run_likeness({"gallery", "restore", folder_ / "g", folder_ / "nothing"}).code, 3);
  fs::rename(folder_ / "copy", folder_ / "g");
  EXPECT_EQ(people(), left);
  fs::rename(folder_ / "g", folder_ / "before");
  EXPECT_EQ(gallery({"import", folder_ / "all.npz"}).code, 0);
  EXPECT_EQ(people(), left);
}

TEST_F(TinyGallery, NamesGoIntoSidecarsAndComeBack) {
  enrol();
  const auto before = people();
  EXPECT_EQ(gallery({"export"}).code, 2) << "neither -o nor --xmp";
  const auto written = gallery({"export", "--xmp"});
  EXPECT_EQ(written.code, 0) << written.err;
  ASSERT_EQ(lines(written.out).size(), 32U);
  const json first = json::parse(lines(written.out)[0]);
  EXPECT_EQ(first["status"], "written");
  EXPECT_EQ(first["sidecar"], first["file"].get<std::string>() + ".xmp");
  EXPECT_EQ(gallery({"export", "--xmp", "-o", folder_ / "sidecars"}).code, 0);
  EXPECT_TRUE(fs::exists(folder_ / "sidecars/person_03/0.png.xmp"));
  fs::rename(folder_ / "g", folder_ / "before");
  // The folders' names are nobody's now.
  fs::rename(folder_ / "enrolled/person_00", folder_ / "enrolled/holiday");
  EXPECT_EQ(with_models({"add", folder_ / "enrolled", "--from-xmp", "--name", "Ann"}).code, 2);
  const auto added = with_models({"add", folder_ / "enrolled", "--from-xmp", "--review", "off"});
  EXPECT_EQ(added.code, 0) << added.err;
  EXPECT_EQ(added.err, "") << "sidecars are no stray files";
  EXPECT_EQ(people(), before);
  fs::remove_all(folder_ / "enrolled/holiday");
  const auto gone = gallery({"export", "--xmp"});
  EXPECT_EQ(gone.code, 1) << "photos that are gone get no names";
}

TEST_F(TinyGallery, AnEncryptedGalleryOfBytesGivesTheSameNames) {
  write_file(folder_ / "key", "a passphrase of the test\n");
  const std::vector<std::string> key{"--key-file", folder_ / "key"};
  enrol({"--encrypt", "--store", "int8", "--key-file", folder_ / "key"});
  const auto photo = tiny::write_people(folder_ / "asked", 5, 6, 1, 905);
  const auto found = with_models({"search", photo[0], "--key-file", folder_ / "key"});
  ASSERT_EQ(found.code, 0) << found.err;
  EXPECT_EQ(json::parse(found.out)["nearest"]["name"], tiny::name_of(5)) << found.out;
  EXPECT_NE(gallery({"list"}).code, 0);
}

TEST_F(TinyGallery, APhotoOfNobodyAndABrokenOneAreTold) {
  enrol();
  write_png(folder_ / "empty.png", tiny::draw({}, 120, 90, 2).view());
  write_file(folder_ / "broken.png", "no picture");
  const auto empty = with_models({"search", folder_ / "empty.png"});
  EXPECT_EQ(empty.code, 0) << empty.err;
  const auto both = with_models({"search", folder_ / "empty.png", folder_ / "broken.png"});
  EXPECT_EQ(both.code, 1);
  EXPECT_NE(both.err.find("broken.png"), std::string::npos) << both.err;
}

}  // namespace
}  // namespace likeness
