#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>

#include "likeness/core/error.h"
#include "likeness/dataset/dataset_file.h"
#include "likeness/dataset/photo_folder.h"
#include "likeness/gallery/exchange.h"
#include "likeness/npz/npz.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

class Scratch : public testing::Test {
 protected:
  Scratch() { fs::create_directories(folder_); }
  ~Scratch() override { fs::remove_all(folder_); }

  void touch(const fs::path& file) {
    fs::create_directories((folder_ / file).parent_path());
    std::ofstream(folder_ / file) << "x";
  }
  template <typename Action>
  static std::string problem_of(ErrorCode code, Action action) {
    try {
      action();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      return error.what();
    }
    return "no error";
  }

  const fs::path folder_ = fs::path(testing::TempDir()) / ("dataset_test_" + std::to_string(::getpid()));
};

using PhotoFolders = Scratch;
using DatasetFiles = Scratch;

std::vector<std::string> names(const std::vector<LabelledPhoto>& photos) {
  std::vector<std::string> all;
  for (const LabelledPhoto& photo : photos) all.push_back(photo.label + "/" + photo.file.filename().string());
  return all;
}

TEST_F(PhotoFolders, TrainAndValAreTakenAsTheyLieSortedByBytes) {
  for (const char* file :
       {"train/bo/2.jpg", "train/bo/10.JPG", "train/al/x.png", "train/Zoe/a.webp", "val/al/y.jpeg",
        "train/bo/.DS_Store", "train/bo/Thumbs.db", "train/bo/notes.txt", "train/readme.txt"}) {
    touch(file);
  }
  const PhotoFolder found = scan_photo_folder(folder_);
  EXPECT_EQ(names(found.train),
            (std::vector<std::string>{"Zoe/a.webp", "al/x.png", "bo/10.JPG", "bo/2.jpg"}));
  EXPECT_EQ(names(found.val), (std::vector<std::string>{"al/y.jpeg"}));
  EXPECT_EQ(found.ignored, 4U);
  EXPECT_TRUE(found.notes.empty());
}

TEST_F(PhotoFolders, WithoutValAShareOfEachPersonIsPutAside) {
  for (int i = 0; i < 20; ++i) touch("al/" + std::to_string(i) + ".jpg");
  for (int i = 0; i < 3; ++i) touch("bo/" + std::to_string(i) + ".jpg");
  touch("cy/only.jpg");
  fs::create_directories(folder_ / "di");
  const PhotoFolder found = scan_photo_folder(folder_, {.val_share = 0.2, .seed = 1});
  EXPECT_EQ(found.val.size(), 4U + 1U);  // a fifth of 20, and at least one of 3
  EXPECT_EQ(found.train.size(), 16U + 2U + 1U);
  EXPECT_EQ(found.notes.size(), 2U);
  EXPECT_NE(found.notes[1].find("cy has one photo"), std::string::npos);
  EXPECT_EQ(scan_photo_folder(folder_, {.val_share = 0.2, .seed = 1}).val, found.val);
  EXPECT_NE(scan_photo_folder(folder_, {.val_share = 0.2, .seed = 2}).val, found.val);
  std::vector<std::string> all = names(found.train);
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
}

TEST_F(PhotoFolders, SaysWhatIsMissing) {
  const auto scan = [&] { (void)scan_photo_folder(folder_); };
  EXPECT_NE(problem_of(ErrorCode::kInputUnreadable, scan).find("no photos in"), std::string::npos);
  touch("al/notes.txt");
  EXPECT_NE(problem_of(ErrorCode::kInputUnreadable, scan).find("no photos in"), std::string::npos);
  EXPECT_NE(problem_of(ErrorCode::kInputUnreadable, [&] { (void)scan_photo_folder(folder_ / "gone"); })
                .find("no folder"),
            std::string::npos);
  EXPECT_THROW((void)scan_photo_folder(folder_, {.val_share = 1}), std::invalid_argument);
  touch("al/1.jpg");
  const PhotoFolder one = scan_photo_folder(folder_);
  EXPECT_NE(problem_of(ErrorCode::kInputUnreadable, [&] { require_two_people(one, folder_); })
                .find("one person only (al)"),
            std::string::npos);
  touch("bo/1.jpg");
  EXPECT_NO_THROW(require_two_people(scan_photo_folder(folder_), folder_));
}

TEST_F(PhotoFolders, StrangersInValAreNoted) {
  touch("train/al/1.jpg");
  touch("val/bo/1.jpg");
  const PhotoFolder found = scan_photo_folder(folder_);
  ASSERT_EQ(found.notes.size(), 1U);
  EXPECT_NE(found.notes[0].find("bo is in val/ but not in train/"), std::string::npos);
}

TEST_F(PhotoFolders, NamesThatLookAlikeAreOnePersonAndBlankOnesNobody) {
  for (const char* file : {"Jos\u00e9/1.jpg", "Jose\u0301/2.jpg", "Ann/1.jpg", "Ann /2.jpg", " /3.jpg"})
    touch(file);
  const PeopleFolder people = read_people_folder(folder_);
  std::map<std::string, int> photos;
  for (const LabelledPhoto& photo : people.all()) ++photos[photo.label];
  EXPECT_EQ(photos, (std::map<std::string, int>{{"Ann", 2}, {"Jos\u00e9", 2}}));
  ASSERT_EQ(people.problems.size(), 1U);
  EXPECT_EQ(people.problems[0], "\"" + (folder_ / " ").string() + "\" is nobody's folder: its name is blank");
  EXPECT_TRUE(people.loose.empty());  // the folder is named: once is enough
}

TEST_F(PhotoFolders, EveryPhotoOfNobodyGetsALabelOfItsOwn) {
  const std::vector<fs::path> photos = {"a/x.jpg", "b/x.jpg", "b/y.jpg", "x.png"};
  EXPECT_EQ(labels_of(photos), (std::vector<std::string>{"a/x.jpg", "b/x.jpg", "y", "x.png"}));
}

TEST_F(DatasetFiles, LabelsThatLookAlikeAreOneAndBlankOnesAreRefused) {
  const Array<float> rows{{3, 2}, {1, 0, 0, 1, 1, 1}};
  write_npz(folder_ / "e.npz",
            {{"arr_0", rows}, strings_member("arr_1", {"Jose\u0301", "Jos\u00e9 ", " Ann"})});
  EXPECT_EQ(read_embeddings(folder_ / "e.npz").train.labels,
            (std::vector<std::string>{"Jos\u00e9", "Jos\u00e9", "Ann"}));
  write_npz(folder_ / "b.npz", {{"arr_0", rows}, strings_member("arr_1", {"Ann", " \u00a0", "Bob"})});
  EXPECT_NE(problem_of(ErrorCode::kDataInvalid, [&] { (void)read_embeddings(folder_ / "b.npz"); })
                .find("b.npz: member arr_1 has a blank label in row 1"),
            std::string::npos);
}

TEST_F(DatasetFiles, WhereRowsCameFromGoesAlongAndOthersMembersOfThatNameAreLeftAside) {
  EmbeddingDataset dataset;
  dataset.train.embeddings = {2, {1, 0, 0, 1}};
  dataset.train.labels = {"Ann", "Bob"};
  dataset.train.origins.hashes = {std::string(64, 'a'), std::string(64, 'b')};
  dataset.train.origins.faces.assign(2 * kFaceColumns, 0.5F);
  dataset.val.embeddings.dimension = 2;
  write_embeddings(folder_ / "e.npz", dataset);
  const RowOrigins back = read_embeddings(folder_ / "e.npz").train.origins;
  EXPECT_EQ(back.hashes, dataset.train.origins.hashes);
  EXPECT_EQ(back.faces, dataset.train.origins.faces);
  dataset.train.origins.hashes.pop_back();
  EXPECT_THROW(write_embeddings(folder_ / "f.npz", dataset), std::invalid_argument);
  write_npz(folder_ / "g.npz", {{"arr_0", Array<float>{{2, 2}, {1, 0, 0, 1}}},
                                strings_member("arr_1", {"Ann", "Bob"}),
                                strings_member("photo_sha256", {"no", "sum"}),
                                {"faces", Array<float>{{1}, {1}}}});
  EXPECT_TRUE(read_embeddings(folder_ / "g.npz").train.origins.hashes.empty());
  EXPECT_TRUE(read_embeddings(folder_ / "g.npz").train.origins.faces.empty());
}

TEST_F(PhotoFolders, ListsPhotosAllLevelsDeep) {
  touch("b/c/1.jpg");
  touch("a.png");
  touch("a.txt");
  const std::vector<fs::path> photos = list_photos(folder_);
  ASSERT_EQ(photos.size(), 2U);
  EXPECT_EQ(photos[1], folder_ / "b/c/1.jpg");
}

FaceDataset two_faces() {
  FaceDataset dataset;
  dataset.train.chips = {Chip(3, 2, 7), Chip(3, 2, 9)};
  dataset.train.labels = {"al", "Zoë"};
  dataset.train.files = {"train/al/1.jpg", "train/Zoë/2.jpg"};
  dataset.space = {R"({"name":"made up","dimension":2})", "made up/margin/012345678901", ""};
  return dataset;
}

TEST_F(DatasetFiles, FacesComeBackAsWritten) {
  const FaceDataset written = two_faces();
  write_faces(folder_ / "f.npz", written);
  const FaceDataset read = read_faces(folder_ / "f.npz");
  EXPECT_EQ(read.train.chips, written.train.chips);
  EXPECT_EQ(read.train.labels, written.train.labels);
  EXPECT_EQ(read.train.files, written.train.files);
  EXPECT_TRUE(read.val.chips.empty());
  EXPECT_EQ(read.space, written.space);
  const NpzFile raw(folder_ / "f.npz");
  EXPECT_EQ(raw.info("arr_0").shape,
            (std::vector<std::size_t>{2, 2, 3, 3}));  // rows, height, width, channels
  EXPECT_EQ(raw.text("contract"), R"({"name":"made up","dimension":2,"id":"made up/margin/012345678901"})");
}

TEST_F(DatasetFiles, EmbeddingsComeBackAsWritten) {
  EmbeddingDataset written;
  written.train = {{2, {1, 2, 3, 4}}, {"a", "b"}, {}};
  written.val = {{2, {5, 6}}, {"a"}, {"val/a/1.jpg"}};
  written.space = {"", "made up/margin/012345678901", "f32"};
  write_embeddings(folder_ / "e.npz", written);
  const EmbeddingDataset read = read_embeddings(folder_ / "e.npz");
  EXPECT_EQ(read.train.embeddings.values, written.train.embeddings.values);
  EXPECT_EQ(read.val.embeddings.values, written.val.embeddings.values);
  EXPECT_EQ(read.val.files, written.val.files);
  EXPECT_EQ(read.space, written.space);
}

TEST_F(DatasetFiles, ReadsDoublesAndExtraAxesAndMissingVal) {
  write_npz(folder_ / "e.npz",
            {{"arr_0", Array<double>{{2, 1, 3}, {1, 2, 3, 4, 5, 6}}}, strings_member("arr_1", {"a", "b"})});
  const EmbeddingDataset read = read_embeddings(folder_ / "e.npz");
  EXPECT_EQ(read.train.embeddings.dimension, 3U);
  EXPECT_EQ(read.train.embeddings.values[5], 6.0F);
  EXPECT_EQ(read.val.embeddings.size(), 0U);
  EXPECT_FALSE(read.space.known());
}

// Names seen in the wild: emdTrainX, trainy, emdTestX, testy; X_train, y_train; faces, labels.
TEST_F(DatasetFiles, MembersOfOtherNamesAreTakenWhereOneReadingIsLeft) {
  const Array<float> two{{2, 3}, {1, 2, 3, 4, 5, 6}};
  const Array<float> one{{1, 3}, {7, 8, 9}};
  write_npz(folder_ / "a.npz", {{"emdTrainX", two},
                                strings_member("trainy", {"a", "b"}),
                                {"emdTestX", one},
                                strings_member("testy", {"a"})});
  write_npz(folder_ / "b.npz", {{"y_val", Array<std::int64_t>{{1, 1}, {7}}},
                                {"X_val", one},
                                {"y_train", Array<std::int32_t>{{2, 1}, {7, -1}}},
                                {"X_train", two},
                                {"seed", Array<std::int64_t>{{}, {3}}}});
  for (const char* file : {"a.npz", "b.npz"}) {
    const EmbeddingDataset read = read_embeddings(folder_ / file);
    EXPECT_EQ(read.train.embeddings.values, two.values) << file;
    EXPECT_EQ(read.val.embeddings.values, one.values) << file;
  }
  EXPECT_EQ(read_embeddings(folder_ / "b.npz").train.labels, (std::vector<std::string>{"7", "-1"}));
  EXPECT_EQ(read_embeddings(folder_ / "b.npz").val.labels, (std::vector<std::string>{"7"}));
  const Array<std::uint8_t> chips{{1, 1, 2, 3}, {1, 2, 3, 4, 5, 6}};
  write_npz(folder_ / "c.NPZ", {{"faces", chips}, strings_member("labels", {"a"})});
  EXPECT_EQ(read_faces(folder_ / "c.NPZ").train.labels, (std::vector<std::string>{"a"}));
  EXPECT_TRUE(named_as_npz(folder_ / "c.NPZ"));
  EXPECT_FALSE(named_as_npz(folder_ / "npz"));
}

TEST_F(DatasetFiles, MembersThatLeaveTwoReadingsAreListedAndMayBeNamed) {
  const Array<float> rows{{2, 3}, {1, 2, 3, 4, 5, 6}};
  write_npz(folder_ / "d.npz", {{"before", rows}, {"after", rows}, strings_member("who", {"a", "b"})});
  const std::string said =
      problem_of(ErrorCode::kDataInvalid, [&] { (void)read_embeddings(folder_ / "d.npz"); });
  EXPECT_NE(said.find("before <f4 (2, 3), after <f4 (2, 3), who <U1 (2)"), std::string::npos) << said;
  EXPECT_EQ(read_embeddings(folder_ / "d.npz", {"after", "who"}).train.labels.size(), 2U);
  EXPECT_EQ(read_embeddings(folder_ / "d.npz", {"after", "who", "before", "who"}).val.labels.size(), 2U);
  EXPECT_THROW((void)read_embeddings(folder_ / "d.npz", {"after"}), std::invalid_argument);
  // Two lists as long as the rows: whose names they are is not clear.
  write_npz(folder_ / "e.npz",
            {{"x", rows}, strings_member("who", {"a", "b"}), strings_member("where", {"c", "d"})});
  EXPECT_NE(problem_of(ErrorCode::kDataInvalid, [&] { (void)read_embeddings(folder_ / "e.npz"); })
                .find("not clear"),
            std::string::npos);
}

TEST_F(DatasetFiles, FacesOfOtherNumbersAreConvertedWhereThatIsCertain) {
  const auto faces = [&](Array<float> values) {
    write_npz(folder_ / "f.npz", {{"arr_0", std::move(values)}, strings_member("arr_1", {"a"})});
    const auto pixels = read_faces(folder_ / "f.npz").train.chips[0].pixels();
    return std::vector<int>(pixels.begin(), pixels.end());
  };
  const auto problem = [&](const Array<float>& values) {
    return problem_of(ErrorCode::kDataInvalid, [&] { (void)faces(values); });
  };
  EXPECT_EQ(faces({{1, 1, 1, 3}, {0, 0.5F, 1}}), (std::vector<int>{0, 128, 255}));  // 127.5 goes up
  EXPECT_EQ(faces({{1, 1, 1, 3}, {0, 127.6F, 255}}), (std::vector<int>{0, 128, 255}));
  EXPECT_NE(problem({{1, 1, 1, 3}, {-1.2F, 0, 1}}).find("values from -1.2"), std::string::npos);
  EXPECT_NE(problem({{1, 1, 1, 3}, {0, 0, 256}}).find("to 256"), std::string::npos);
  EXPECT_NE(problem({{1, 1, 1, 3}, {0, 1, 1}}).find("0 and 1 only"), std::string::npos);
  EXPECT_NE(problem({{1, 1, 1, 3}, {0, NAN, 1}}).find("not finite"), std::string::npos);
  write_npz(folder_ / "i.npz",
            {{"arr_0", Array<std::int64_t>{{1, 1, 1, 3}, {0, 7, 255}}}, strings_member("arr_1", {"a"})});
  EXPECT_EQ(read_faces(folder_ / "i.npz").train.chips[0].pixels()[1], 7);
}

TEST_F(DatasetFiles, RefusesByMember) {
  const auto problem = [&](const std::vector<NpzMember>& members, bool faces) {
    write_npz(folder_ / "bad.npz", members);
    return problem_of(ErrorCode::kDataInvalid, [&] {
      if (faces) {
        (void)read_faces(folder_ / "bad.npz");
      } else {
        (void)read_embeddings(folder_ / "bad.npz");
      }
    });
  };
  const NpzMember labels = strings_member("arr_1", {"a"});
  const NpzMember row = {"arr_0", Array<float>{{1, 2}, {1, 2}}};
  EXPECT_NE(problem({labels}, false).find("no member arr_0"), std::string::npos);
  EXPECT_NE(problem({row}, false).find("no member arr_1"), std::string::npos);
  EXPECT_NE(problem({row, strings_member("arr_1", {"a", "b"})}, false).find("2 labels for 1 rows"),
            std::string::npos);
  EXPECT_NE(problem({{"arr_0", Array<float>{{1, 2}, {1, NAN}}}, labels}, false).find("not finite in row 0"),
            std::string::npos);
  EXPECT_NE(problem({{"arr_0", Array<float>{{2}, {1, 1}}}, labels}, false).find("not rows"),
            std::string::npos);
  EXPECT_NE(problem({row, labels, {"arr_2", Array<float>{{1, 3}, {1, 2, 3}}}, strings_member("arr_3", {"a"})},
                    false)
                .find("arr_2 holds embeddings of 3"),
            std::string::npos);
  EXPECT_NE(problem({row, labels}, true).find("holds <f4 where |u1"), std::string::npos);
  EXPECT_NE(
      problem({{"arr_0", Array<std::uint8_t>{{1, 2, 2, 4}, std::vector<std::uint8_t>(16)}}, labels}, true)
          .find("not faces"),
      std::string::npos);
  EXPECT_NE(
      problem({row, labels, text_member("contract", "[]")}, false).find("contract is not a JSON object"),
      std::string::npos);
  EXPECT_NE(problem({row, labels, text_member("contract", "{}")}, false).find("lacks the contract's id"),
            std::string::npos);
}

TEST_F(DatasetFiles, MixingSpacesIsRefusedWithBothNames) {
  const EmbeddingSpace a{"", "one/margin/0", "f32"};
  const EmbeddingSpace b{"", "two/margin/0", "f32"};
  const std::string said =
      problem_of(ErrorCode::kModelMismatch, [&] { require_same_space(a, "people.npz", b, "e.npz"); });
  for (const char* part : {"people.npz", "one/margin/0", "e.npz", "two/margin/0"}) {
    EXPECT_NE(said.find(part), std::string::npos) << said;
  }
  EXPECT_NO_THROW(require_same_space(a, "x", a, "y"));
  EXPECT_NO_THROW(require_same_space(a, "x", {}, "y"));
}

TEST_F(DatasetFiles, TheTutorialsFilesGoInAndOutUnchanged) {
  const fs::path tutorial = fs::path(LIKENESS_SHARED) / "data/five-celebrity";
  if (!fs::exists(tutorial)) GTEST_SKIP() << "no " << tutorial;
  const FaceDataset faces = read_faces(tutorial / "5-celebrity-faces-dataset.npz");
  EXPECT_EQ(faces.train.chips.size(), 93U);
  EXPECT_EQ(faces.val.labels.size(), 25U);
  write_faces(folder_ / "f.npz", faces);
  EXPECT_EQ(read_faces(folder_ / "f.npz").val.chips, faces.val.chips);
  EXPECT_LT(fs::file_size(folder_ / "f.npz"), 3'500'000U);
  const EmbeddingDataset embeddings = read_embeddings(tutorial / "faces-embeddings.npz");
  EXPECT_EQ(embeddings.train.embeddings.dimension, 128U);
  EXPECT_FALSE(embeddings.space.known());
  const PhotoFolder photos = scan_photo_folder(tutorial);
  EXPECT_EQ(photos.train.size(), 93U);
  EXPECT_EQ(photos.val.size(), 25U);
}

}  // namespace
}  // namespace likeness
