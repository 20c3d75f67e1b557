// Galleries through the program itself: first on numbers alone, then with the photos beside the checkout.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "likeness/core/atomic_file.h"
#include "likeness/dataset/dataset_file.h"
#include "likeness/gallery/older_formats_testing.h"
#include "likeness/gallery/synthetic.h"
#include "tests/run_program.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const fs::path kData = LIKENESS_SHARED "/data";

class People : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / "likeness_people" /
              testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override {
    ::unsetenv("LIKENESS_GALLERY_KEY");
    fs::remove_all(folder_);
  }
  [[nodiscard]] std::string at(const std::string& name) const { return (folder_ / name).string(); }

  /// Embeddings of `people`, five faces each, of the model `id`.
  std::string embeddings(const std::string& name, const std::vector<std::string>& people, std::uint32_t seed,
                         const std::string& id = "model-a") {
    EmbeddingDataset dataset;
    dataset.space = {"{}", id, "f32"};
    dataset.train.embeddings = synthetic_faces(people.size(), 5, 64, seed);
    dataset.val.embeddings.dimension = 64;
    for (const std::string& person : people) {
      for (int i = 0; i < 5; ++i) dataset.train.labels.push_back(person);
    }
    write_embeddings(at(name), dataset);
    return at(name);
  }
  /// A gallery of Ann, Bob and Cy.
  std::string gallery() {
    const auto made = run_likeness(
        {"gallery", "import", embeddings("e.npz", {"Ann", "Bob", "Cy"}, 1), "--gallery", at("g")});
    EXPECT_EQ(made.code, 0) << made.err;
    return at("g");
  }
  fs::path folder_;
};

std::map<std::string, int> faces_of(const std::string& gallery) {
  std::map<std::string, int> faces;
  for (const std::string& line :
       lines(run_likeness({"gallery", "list", "--gallery", gallery, "--json"}).out)) {
    const json person = json::parse(line);
    faces[person["name"]] = person["faces"];
  }
  return faces;
}

void expect_refused(const std::vector<std::string>& arguments, int code, const std::string& part) {
  const auto result = run_likeness(arguments);
  EXPECT_EQ(result.code, code) << result.err;
  EXPECT_EQ(lines(result.err).size(), 1U) << result.err;
  EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
}

TEST_F(People, AreListedRenamedMergedRemovedAndMoved) {
  const std::string g = gallery();
  EXPECT_EQ(faces_of(g), (std::map<std::string, int>{{"Ann", 5}, {"Bob", 5}, {"Cy", 5}}));
  EXPECT_EQ(run_likeness({"gallery", "rename", "Cy", "Cyd", "--gallery", g}).code, 0);
  EXPECT_EQ(run_likeness({"gallery", "merge", "Bob", "Ann", "--gallery", g}).code, 0);
  EXPECT_EQ(faces_of(g), (std::map<std::string, int>{{"Ann", 10}, {"Cyd", 5}}));
  const auto face =
      json::parse(lines(run_likeness({"gallery", "list", "Cyd", "--gallery", g, "--json"}).out)[0]);
  EXPECT_EQ(
      run_likeness({"gallery", "remove", "--face", std::to_string(face["face"].get<int>()), "--gallery", g})
          .code,
      0);
  EXPECT_EQ(run_likeness({"gallery", "export", "-o", at("out.npz"), "--gallery", g}).code, 0);
  EXPECT_EQ(run_likeness({"gallery", "import", at("out.npz"), "--gallery", at("copy")}).code, 0);
  EXPECT_EQ(faces_of(at("copy")), (std::map<std::string, int>{{"Ann", 10}, {"Cyd", 4}}));
  EXPECT_EQ(run_likeness({"gallery", "remove", "Ann", "--gallery", g}).code, 0);
  EXPECT_EQ(faces_of(g), (std::map<std::string, int>{{"Cyd", 4}}));
  const auto check = run_likeness({"gallery", "check", "--gallery", g, "--json"});
  EXPECT_EQ(check.code, 0);
  EXPECT_EQ(json::parse(check.out)["ok"], true);
}

TEST_F(People, ImportedTwiceAreKnown) {
  const std::string g = gallery();
  const auto again = run_likeness({"gallery", "import", at("e.npz"), "--gallery", g, "--json"});
  EXPECT_EQ(json::parse(again.out), json::parse(R"({"added": 0, "known": 15})"));
  EXPECT_EQ(
      run_likeness({"gallery", "import", at("e.npz"), "--gallery", at("bytes"), "--store", "int8"}).code, 0);
  const auto bytes = run_likeness({"gallery", "import", at("e.npz"), "--gallery", at("bytes"), "--json"});
  EXPECT_EQ(json::parse(bytes.out)["known"], 15);
}

TEST_F(People, ACopyMayHaveAnotherPassphrase) {
  const std::string g = gallery();
  std::ofstream(at("old")) << "one\n";
  std::ofstream(at("new")) << "two\n";
  ASSERT_EQ(run_likeness({"gallery", "copy", g, at("sealed"), "--new-key-file", at("old")}).code, 0);
  const std::vector<std::string> again{"gallery",    "copy",    at("sealed"),     at("anew"),
                                       "--key-file", at("old"), "--new-key-file", at("new")};
  ASSERT_EQ(run_likeness(again).code, 0);
  EXPECT_NE(run_likeness(again).out.find("0 of them now"), std::string::npos);  // goes on, with both keys
  EXPECT_EQ(run_likeness({"gallery", "check", "--gallery", at("anew"), "--key-file", at("new")}).code, 0);
  EXPECT_EQ(run_likeness({"gallery", "check", "--gallery", at("anew"), "--key-file", at("old")}).code, 5);
}

TEST_F(People, ParquetIsForThePythonPackage) {
  fs::create_directories(at("parts"));
  for (const char* name : {"faces.parquet", "unnamed", "parts/part-0.parquet"})
    std::ofstream(at(name)) << "PAR1 and so on";
  for (const char* name : {"faces.parquet", "unnamed", "parts"}) {
    const auto refused = run_likeness({"gallery", "import", at(name), "--gallery", at("none")});
    EXPECT_EQ(refused.code, 2);
    EXPECT_EQ(lines(refused.err).size(), 1U) << refused.err;
    EXPECT_NE(refused.err.find("python -m likeness import " + at(name) + " --gallery " + at("none")),
              std::string::npos)
        << refused.err;
  }
  EXPECT_FALSE(fs::exists(at("none")));
}

TEST_F(People, WhoAreThereTwiceAreFoundAndRemovedOnceListed) {
  const std::string g = gallery();
  (void)embeddings("f.npz", {"Annie"}, 1);  // Ann's very faces
  EXPECT_EQ(run_likeness({"gallery", "import", at("f.npz"), "--gallery", g}).code, 0);
  // As an older likeness merged.
  change_file(g,
              "UPDATE face SET person_id = (SELECT id FROM person WHERE name = 'Ann') WHERE "
              "person_id = (SELECT id FROM person WHERE name = 'Annie'); "
              "DELETE FROM person WHERE name = 'Annie'");
  EXPECT_EQ(faces_of(g)["Ann"], 10);
  const auto found = run_likeness({"gallery", "check", "--gallery", g});
  EXPECT_EQ(found.code, 5);
  EXPECT_EQ(lines(found.out).size(), 6U) << found.out;
  EXPECT_NE(found.out.find("face 16 of Ann is face 1 again"), std::string::npos) << found.out;
  EXPECT_NE(found.out.find("--repair"), std::string::npos) << found.out;
  EXPECT_EQ(faces_of(g)["Ann"], 10);
  const auto told = json::parse(run_likeness({"gallery", "check", "--gallery", g, "--json"}).out);
  EXPECT_EQ(told["ok"], false);
  EXPECT_EQ(told["doubles"].size(), 5U);
  EXPECT_EQ(told["doubles"][0]["face"], 16);
  EXPECT_EQ(told["doubles"][0]["of"], 1);
  const auto repaired = run_likeness({"gallery", "check", "--repair", "--gallery", g});
  EXPECT_EQ(repaired.code, 0) << repaired.err;
  EXPECT_NE(repaired.out.find("face 16 of Ann is face 1 again"), std::string::npos) << repaired.out;
  EXPECT_NE(repaired.out.find("0 names mended, 5 faces removed"), std::string::npos) << repaired.out;
  EXPECT_EQ(faces_of(g), (std::map<std::string, int>{{"Ann", 5}, {"Bob", 5}, {"Cy", 5}}));
  EXPECT_NE(run_likeness({"gallery", "check", "--gallery", g}).out.find("all is well"), std::string::npos);
}

TEST_F(People, TwoWhoHaveTheSameFacesAreListedAndMergedWithoutDoubles) {
  const std::string g = gallery();
  (void)embeddings("f.npz", {"Annie"}, 1);  // Ann's very faces
  EXPECT_EQ(run_likeness({"gallery", "import", at("f.npz"), "--gallery", g}).code, 0);
  for (const bool repair : {false, true}) {  // nobody but the owner knows whose they are
    std::vector<std::string> check = {"gallery", "check", "--gallery", g, "--json"};
    if (repair) check.emplace_back("--repair");
    const auto found = run_likeness(check);
    EXPECT_EQ(found.code, 5);
    const auto told = json::parse(found.out);
    EXPECT_EQ(told["ok"], false);
    ASSERT_EQ(told["shared"].size(), 5U) << found.out;
    EXPECT_EQ(told["shared"][0],
              json::parse(R"({"face": 1, "person": "Ann", "other": 16, "other_person": "Annie"})"));
    EXPECT_EQ(told["repaired"], false);
  }
  const auto listed = run_likeness({"gallery", "check", "--gallery", g});
  EXPECT_NE(listed.out.find("face 1 of Ann and face 16 of Annie are the same"), std::string::npos)
      << listed.out;
  EXPECT_EQ(run_likeness({"gallery", "merge", "Annie", "Ann", "--gallery", g}).code, 0);
  EXPECT_EQ(faces_of(g), (std::map<std::string, int>{{"Ann", 5}, {"Bob", 5}, {"Cy", 5}}));
  EXPECT_EQ(run_likeness({"gallery", "check", "--gallery", g}).code, 0);
}

TEST_F(People, WhoseNamesLookAlikeAreOneAtEveryDoor) {
  const std::string composed = "Jos\u00e9";
  const std::string decomposed = "Jose\u0301";
  EXPECT_EQ(
      run_likeness({"gallery", "import", embeddings("e.npz", {composed, "Ann"}, 1), "--gallery", at("g")})
          .code,
      0);
  // Written by hand: a writer of ours would have tidied them.
  EXPECT_EQ(
      run_likeness({"gallery", "import", embeddings("f.npz", {decomposed, "Ann "}, 2), "--gallery", at("g")})
          .code,
      0);
  EXPECT_EQ(faces_of(at("g")), (std::map<std::string, int>{{"Ann", 10}, {composed, 10}}));
  EXPECT_EQ(lines(run_likeness({"gallery", "list", decomposed, "--gallery", at("g")}).out).size(), 10U);
  expect_refused({"gallery", "rename", "Ann", decomposed + " ", "--gallery", at("g")}, 5, "use merge");
  EXPECT_EQ(run_likeness({"gallery", "rename", "Ann ", " Anne ", "--gallery", at("g")}).code, 0);
  EXPECT_EQ(run_likeness({"gallery", "merge", decomposed, "Anne\u00a0", "--gallery", at("g")}).code, 0);
  EXPECT_EQ(faces_of(at("g")), (std::map<std::string, int>{{"Anne", 20}}));
  expect_refused({"gallery", "rename", "Anne", "  ", "--gallery", at("g")}, 2, "must not be empty or blank");
  expect_refused({"gallery", "rename", "Anne", "", "--gallery", at("g")}, 2, "must not be empty or blank");
  expect_refused({"gallery", "import", embeddings("b.npz", {"Bob", "\u3000"}, 3), "--gallery", at("g")}, 5,
                 "row 5 of arr_1 is a blank name");
  expect_refused({"train", at("b.npz"), "-o", at("p.npz")}, 5, "blank label in row 5");
  EXPECT_EQ(faces_of(at("g")), (std::map<std::string, int>{{"Anne", 20}}));
}

TEST_F(People, AGalleryIsNotExportedOverItself) {
  const std::string g = gallery();
  expect_refused({"gallery", "export", "-o", g, "--gallery", g}, 7, "is the gallery itself");
  EXPECT_EQ(faces_of(g).size(), 3U);
}

TEST_F(People, WhoAreNotThereAreNamed) {
  const std::string g = gallery();
  expect_refused({"gallery", "remove", "Dan", "--gallery", g}, 3, "Dan");
  expect_refused({"gallery", "merge", "Ann", "Dan", "--gallery", g}, 3, "Dan");
  expect_refused({"gallery", "rename", "Ann", "Bob", "--gallery", g}, 5, "merge");
  expect_refused({"gallery", "rename", "Ann", "unknown", "--gallery", g}, 2, "unknown");
  expect_refused({"gallery", "list", "--gallery", at("none")}, 3, "no such gallery; `gallery add` makes one");
}

TEST_F(People, OfAnEncryptedGalleryNeedItsKey) {
  write_file(at("key"), "a long passphrase\n");
  write_file(at("wrong"), "another\n");
  const std::string npz = embeddings("e.npz", {"Ann", "Bob"}, 1);
  expect_refused({"gallery", "import", npz, "--encrypt", "--gallery", at("g")}, 2, "--key-file");
  ASSERT_EQ(
      run_likeness({"gallery", "import", npz, "--encrypt", "--key-file", at("key"), "--gallery", at("g")})
          .code,
      0);
  std::ifstream file(at("g"), std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  EXPECT_EQ(bytes.find("Ann"), std::string::npos);
  expect_refused({"gallery", "list", "--gallery", at("g")}, 5, "LIKENESS_GALLERY_KEY");
  expect_refused({"gallery", "list", "--gallery", at("g"), "--key-file", at("wrong")}, 5, "wrong passphrase");
  ::setenv("LIKENESS_GALLERY_KEY", "a long passphrase", 1);
  EXPECT_EQ(faces_of(at("g")), (std::map<std::string, int>{{"Ann", 5}, {"Bob", 5}}));
}

TEST_F(People, OfADamagedForeignOrNewerFileAreNotGuessed) {
  const std::string g = gallery();
  write_file(at("text"), "this is no gallery, it is a long text that SQLite has never written anywhere");
  expect_refused({"gallery", "list", "--gallery", at("text")}, 5, "not a gallery");
  expect_refused({"gallery", "import", embeddings("b.npz", {"Ann"}, 2, "model-b"), "--gallery", g}, 5,
                 "model-b");
  // user_version stands at offset 60 of the file (SQLite's file format): a newer one.
  {
    std::fstream file(g, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(63);
    file.put(6);
  }
  expect_refused({"gallery", "list", "--gallery", g}, 5, "newer likeness");
}

TEST_F(People, CalibrationRefusesWhatTheDataCannotSupport) {
  const std::string g = gallery();
  std::vector<std::string> others;
  for (int i = 0; i < 20; ++i) others.push_back("S" + std::to_string(i));
  const std::string strangers = embeddings("s.npz", others, 7);  // 100 faces
  expect_refused({"gallery", "calibrate", "--gallery", g, "--impostors", strangers, "--target-fpir", "0.001"},
                 5, "at least 3000 faces of strangers; there are 100");
  const auto done = run_likeness(
      {"gallery", "calibrate", "--gallery", g, "--impostors", strangers, "--target-fpir", "0.05", "--json"});
  ASSERT_EQ(done.code, 0) << done.err;
  const json line = json::parse(done.out);
  EXPECT_EQ(line["impostor_faces"], 100);
  EXPECT_LE(line["fpir"], 0.05);
  EXPECT_GT(line["stranger_share"], 0);
  EXPECT_EQ(line["look_alikes"].size(), 10U);
  const auto words = run_likeness(
      {"gallery", "calibrate", "--gallery", g, "--impostors", strangers, "--target-fpir", "0.05"});
  EXPECT_NE(words.out.find("% of the faces are strangers'"), std::string::npos) << words.out;
}

/// The faces of every line that `predict --json` printed.
std::vector<json> all_faces(const std::string& out) {
  std::vector<json> faces;
  for (const std::string& text : lines(out)) {
    const json line = json::parse(text);
    faces.insert(faces.end(), line["faces"].begin(), line["faces"].end());
  }
  return faces;
}

/// Links `from`'s entries into `to`; at most `most`.
void link_people(const fs::path& from, const fs::path& to, const std::vector<std::string>& without,
                 std::size_t most = 1000) {
  std::vector<fs::path> people;
  for (const auto& entry : fs::directory_iterator(from)) {
    const std::string name = entry.path().filename().string();
    if (std::find(without.begin(), without.end(), name) == without.end()) people.push_back(entry.path());
  }
  std::sort(people.begin(), people.end());
  people.resize(std::min(people.size(), most));
  for (const fs::path& person : people) {
    fs::create_directories(to / person.filename());
    for (const auto& photo : fs::directory_iterator(person)) {
      fs::create_symlink(photo.path(), to / person.filename() / photo.path().filename());
    }
  }
}

TEST_F(People, TheSvmSaysWhoAndTheGalleryWhether) {
  if (!fs::exists(kData)) GTEST_SKIP() << "the photos of " << kData << " are not here";
  const fs::path celebrities = kData / "five-celebrity";
  link_people(celebrities / "train", folder_ / "known", {"mindy_kaling"});
  link_people(kData / "lfw-view1/images", folder_ / "strangers", {"Ben_Affleck", "Elton_John", "Madonna"},
              60);
  ASSERT_EQ(run_likeness({"embed", at("known"), "-o", at("e.npz"), "--val-share", "0"}).code, 0);
  ASSERT_EQ(run_likeness({"train", at("e.npz"), "-o", at("people.npz")}).code, 0);
  ASSERT_EQ(run_likeness({"gallery", "import", at("e.npz"), "--gallery", at("g")}).code, 0);
  const auto calibrated = run_likeness({"gallery", "calibrate", "--gallery", at("g"), "--impostors",
                                        at("strangers"), "--target-fpir", "0.05", "--json"});
  ASSERT_EQ(calibrated.code, 0) << calibrated.err;
  const double threshold = json::parse(calibrated.out)["threshold"];

  // Whom nobody enrolled: the SVM alone names somebody, the gallery nobody.
  const std::string stranger = celebrities / "val/mindy_kaling";
  const auto alone = all_faces(run_likeness({"predict", at("people.npz"), stranger, "--json"}).out);
  EXPECT_EQ(alone.size(), 5U);
  for (const json& face : alone) EXPECT_NE(face["name"], "unknown");
  const auto gated = run_likeness({"predict", at("people.npz"), stranger, "--gallery", at("g"), "--json"});
  ASSERT_EQ(gated.code, 0) << gated.err;
  EXPECT_EQ(all_faces(gated.out).size(), 5U);
  for (const json& face : all_faces(gated.out)) {
    EXPECT_EQ(face["name"], "unknown");
    EXPECT_LT(face["probability"], 0.5);
    EXPECT_EQ(face["threshold"], threshold);
    EXPECT_LT(face["nearest"]["similarity"], threshold);
    EXPECT_TRUE(face["svm"]["name"].is_string());
    EXPECT_NE(face["runner_up"]["name"], face["nearest"]["name"]);
  }
  // Whom everybody knows: the same name from both, with probability and evidence.
  const std::string known = celebrities / "val/madonna";
  const auto faces =
      all_faces(run_likeness({"predict", at("people.npz"), known, "--gallery", at("g"), "--json"}).out);
  EXPECT_EQ(faces.size(), 5U);
  for (const json& face : faces) {
    EXPECT_EQ(face["name"], "madonna");
    EXPECT_EQ(face["decided_by"], "svm");
    EXPECT_GE(face["probability"], 0.5);
  }
  // `search` says the same with the same keys.
  for (const std::string& text :
       lines(run_likeness({"gallery", "search", stranger, "--gallery", at("g"), "--json"}).out)) {
    const json face = json::parse(text);
    EXPECT_EQ(face["name"], "unknown");
    for (const char* key : {"probability", "threshold", "nearest", "runner_up"})
      EXPECT_TRUE(face.contains(key));
  }
}

TEST_F(People, AGalleryKeepsTheQualityItWasMadeWith) {
  if (!fs::exists(kData)) GTEST_SKIP() << "the photos of " << kData << " are not here";
  const fs::path celebrities = kData / "five-celebrity";
  link_people(celebrities / "val", folder_ / "known", {});
  const std::string photo = celebrities / "train/elton_john/httpspmctvlinefileswordpresscomeltonjohnjpg.jpg";
  const auto searched = [&](const char* gallery) {
    const auto done = run_likeness({"gallery", "search", photo, "--gallery", at(gallery), "--json"});
    EXPECT_EQ(done.code, 0) << done.err;
    return json::parse(lines(done.out).at(0));
  };
  // The classifier's model, for `predict` asks both.
  const std::vector<std::string> add{"gallery",         "add",      at("known"), "--model",
                                     "20180408-102900", "--gallery"};
  const auto added = [&](std::vector<std::string> more) {
    more.insert(more.begin(), add.begin(), add.end());
    return run_likeness(more).code;
  };
  ASSERT_EQ(added({at("one")}), 0);
  ASSERT_EQ(added({at("two"), "--quality", "two"}), 0);
  // The same face, asked in the way its gallery wants: another number, the same person.
  const json one = searched("one");
  const json two = searched("two");
  EXPECT_EQ(one["nearest"]["name"], "elton_john");
  EXPECT_EQ(two["nearest"]["name"], "elton_john");
  EXPECT_NE(one["nearest"]["similarity"], two["nearest"]["similarity"]);
  EXPECT_GT(two["nearest"]["similarity"], 0.4);
  // Further faces follow; another quality is refused in a line that says what to do.
  EXPECT_EQ(run_likeness({"gallery", "add", photo, "--name", "elton_john", "--gallery", at("two")}).code, 0);
  const auto refused = run_likeness(
      {"gallery", "add", photo, "--name", "elton_john", "--gallery", at("two"), "--quality", "single"});
  EXPECT_EQ(refused.code, 5);
  EXPECT_NE(refused.err.find("--quality two"), std::string::npos) << refused.err;
  // A classifier of single views decides who, the gallery's own embedding whether.
  ASSERT_EQ(run_likeness({"embed", at("known"), "-o", at("e.npz"), "--val-share", "0"}).code, 0);
  ASSERT_EQ(run_likeness({"train", at("e.npz"), "-o", at("people.npz")}).code, 0);
  const auto predicted = run_likeness({"predict", at("people.npz"), photo, "--gallery", at("two"), "--json"});
  ASSERT_EQ(predicted.code, 0) << predicted.err;
  const json face = all_faces(predicted.out).at(0);
  EXPECT_EQ(face["name"], "elton_john");
  EXPECT_EQ(face["decided_by"], "svm");
}

}  // namespace
}  // namespace likeness
