#include "likeness/dataset/photo_tree.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "likeness/core/error.h"
#include "likeness/core/output.h"
#include "likeness/dataset/photo_folder.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

class PhotoTrees : public testing::Test {
 protected:
  PhotoTrees() { fs::create_directories(folder_); }
  ~PhotoTrees() override { fs::remove_all(folder_); }

  void touch(const fs::path& file) const {
    fs::create_directories((folder_ / file).parent_path());
    std::ofstream(folder_ / file) << "x";
  }
  /// "label: path below the folder" of each photo.
  [[nodiscard]] std::vector<std::string> found(const std::vector<LabelledPhoto>& photos) const {
    std::vector<std::string> all;
    for (const LabelledPhoto& photo : photos)
      all.push_back(photo.label + ": " + photo.file.lexically_relative(folder_).string());
    return all;
  }

  const fs::path folder_ = fs::path(testing::TempDir()) / ("photo_tree_test_" + std::to_string(::getpid()));
};

using Lines = std::vector<std::string>;

TEST_F(PhotoTrees, ThePersonIsTheFolderBelowTheOneThatIsRead) {
  for (const char* file : {"ann/2019/sea/x.jpg", "ann/2020/x.jpg", "ann/y.jpg", "bo/2019/x.jpg", "loose.png"})
    touch(file);
  const Lines wanted = {"ann: ann/2019/sea/x.jpg", "ann: ann/2020/x.jpg", "ann: ann/y.jpg",
                        "bo: bo/2019/x.jpg", ": loose.png"};
  EXPECT_EQ(found(read_photo_tree(folder_).photos), wanted);
  // Paths are compared as paths: a slash behind, or dots inside, change no label.
  for (const std::string& same : {folder_.string() + "/", (folder_ / "ann/..").string() + "//"}) {
    Lines labels;
    for (const LabelledPhoto& photo : read_photo_tree(same).photos) labels.push_back(photo.label);
    EXPECT_EQ(labels, (Lines{"ann", "ann", "ann", "bo", ""})) << same;
  }
}

TEST_F(PhotoTrees, LeavesOutWhatIsNotForReadingAndSaysSo) {
  for (const char* file : {"ann/x.jpg", "ann/@eaDir/x.jpg/SYNOPHOTO.jpg", "ann/.thumbnails/x.jpg",
                           "music/.nomedia", "music/cover.jpg", "__MACOSX/ann/y.jpg", "ann/raw.DNG",
                           "ann/raw.cr2", "ann/film.mp4", "Thumbs.db", "README"}) {
    touch(file);
  }
  const PhotoTree tree = read_photo_tree(folder_);
  EXPECT_EQ(found(tree.photos), (Lines{"ann: ann/x.jpg"}));
  EXPECT_TRUE(tree.empty_people.empty());
  EXPECT_EQ(tree.left_out.text(),
            "the folders __MACOSX (another program's), ann/.thumbnails (hidden), ann/@eaDir (another "
            "program's), music (marked by .nomedia); 2 raw photos, which are not read (.cr2 1, .dng 1); 2 "
            "files that are not photos (no ending 1, .mp4 1)");
}

TEST_F(PhotoTrees, ManyFoldersOfOneKindDoNotHideAnother) {
  for (int i = 0; i < 8; ++i) touch("person " + std::to_string(i) + "/@eaDir/x.jpg");
  touch("zoe/private/.nomedia");
  const std::string text = read_photo_tree(folder_).left_out.text();
  EXPECT_NE(text.find("person 4/@eaDir (another program's), zoe/private (marked by .nomedia)"),
            std::string::npos)
      << text;
  EXPECT_TRUE(text.ends_with(" and 3 more (another program's)")) << text;
}

TEST_F(PhotoTrees, ResultsOfThisProgramAreNotEatenAgain) {
  touch("ann/x.jpg");
  { (void)OutputFolder(folder_ / "out"); }
  touch("out/example.png");
  touch("out/sheets/1.png");
  EXPECT_EQ(found(read_photo_tree(folder_).photos), (Lines{"ann: ann/x.jpg"}));
  EXPECT_EQ(read_photo_tree(folder_).left_out.text(), "the folder out (results of this program)");
  EXPECT_THROW((void)read_photo_tree(folder_ / "out"), Error);
}

TEST_F(PhotoTrees, ResultsAmongSomebodysPhotosAreLeftOutOneByOne) {
  touch("ann/x.jpg");
  OutputFolder output(folder_ / "ann");
  touch(output.file("x.faces.png").lexically_relative(folder_));
  touch(output_picture(folder_ / "ann/example.png").lexically_relative(folder_));
  touch("ann/y.jpg");
  const PhotoTree tree = read_photo_tree(folder_);
  EXPECT_EQ(found(tree.photos), (Lines{"ann: ann/x.jpg", "ann: ann/y.jpg"}));
  EXPECT_EQ(tree.left_out.text(), "2 pictures that are results of this program");
}

TEST_F(PhotoTrees, LinkedFoldersAreFollowedOnceAndLoopsTold) {
  touch("zoe/1.jpg");
  touch("zoe/trip/2.jpg");
  const fs::path elsewhere = folder_.string() + "_elsewhere";
  fs::create_directories(elsewhere);
  std::ofstream(elsewhere / "3.jpg") << "x";
  fs::create_directory_symlink(folder_ / "zoe", folder_ / "a_zoe");  // the same folder under a name before it
  fs::create_directory_symlink(folder_, folder_ / "zoe/trip/up");    // a loop
  fs::create_directory_symlink(elsewhere, folder_ / "bo");           // followed
  fs::create_directory_symlink(elsewhere, folder_ / "bo_again");     // but once
  const PhotoTree tree = read_photo_tree(folder_);
  EXPECT_EQ(found(tree.photos), (Lines{"bo: bo/3.jpg", "zoe: zoe/1.jpg", "zoe: zoe/trip/2.jpg"}));
  EXPECT_TRUE(tree.empty_people.empty());
  ASSERT_EQ(tree.left_out.folders.size(), 3U);
  for (const auto& [folder, why] : tree.left_out.folders)
    EXPECT_EQ(why, "a link to a folder that is read already") << folder;
  fs::remove_all(elsewhere);
}

TEST_F(PhotoTrees, NamesThatCannotBeLookedAtAreNamedAndTheOthersRead) {
  touch("ann/x.jpg");
  fs::create_symlink("self.jpg", folder_ / "ann/self.jpg");
  fs::create_symlink("gone.jpg", folder_ / "ann/lost.jpg");
  fs::create_symlink("gone.txt", folder_ / "ann/notes.txt");  // no photo, whether it is there or not
  const PhotoTree tree = read_photo_tree(folder_);
  EXPECT_EQ(found(tree.photos), (Lines{"ann: ann/x.jpg"}));
  ASSERT_EQ(tree.problems.size(), 2U);
  EXPECT_EQ(tree.problems[0],
            "cannot read " + (folder_ / "ann/lost.jpg").string() + ": a link to a file that is not there");
  EXPECT_EQ(tree.problems[1],
            "cannot read " + (folder_ / "ann/self.jpg").string() + ": Too many levels of symbolic links");
  try {
    (void)read_photo_tree(folder_ / std::string(300, 'x'));
    FAIL() << "a name of 300 bytes was read";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInputUnreadable);
    EXPECT_NE(std::string(error.what()).find("File name too long"), std::string::npos) << error.what();
  }
}

TEST_F(PhotoTrees, TheUsualSpellingsOfTheTwoPartsAreTaken) {
  const std::pair<const char*, const char*> spellings[] = {{"train", "test"},  {"train", "validation"},
                                                           {"train", "valid"}, {"Train", "Val"},
                                                           {"TRAIN", "Test"},  {"training", "testing"}};
  for (const auto& [train, val] : spellings) {
    fs::remove_all(folder_);
    touch(fs::path(train) / "ann/1.jpg");
    touch(fs::path(val) / "ann/2020/2.jpg");
    const PhotoFolder photos = scan_photo_folder(folder_);
    EXPECT_EQ(found(photos.train), (Lines{"ann: " + std::string(train) + "/ann/1.jpg"}));
    EXPECT_EQ(found(photos.val), (Lines{"ann: " + std::string(val) + "/ann/2020/2.jpg"}));
    EXPECT_TRUE(photos.notes.empty()) << train << ' ' << val << ' ' << photos.notes[0];
  }
}

TEST_F(PhotoTrees, WhatLiesBesideTrainAndIsNotReadIsNamed) {
  for (const char* file : {"train/ann/1.jpg", "val/ann/2.jpg", "test/ann/3.jpg", "more/ann/4.jpg"})
    touch(file);
  const PeopleFolder people = read_people_folder(folder_);
  EXPECT_EQ(found(people.all()), (Lines{"ann: train/ann/1.jpg", "ann: val/ann/2.jpg"}));
  EXPECT_EQ(people.notes, (Lines{(folder_ / "more").string() + " beside train/ is not read",
                                 (folder_ / "test").string() + " beside train/ is not read"}));
}

TEST_F(PhotoTrees, AnEmptyPersonIsNamedAndTheOthersRead) {
  touch("ann/1.jpg");
  touch("bo/notes.txt");
  fs::create_directories(folder_ / "cy/2019");
  touch("x.jpg");
  const PeopleFolder people = read_people_folder(folder_);
  EXPECT_EQ(found(people.train), (Lines{"ann: ann/1.jpg"}));
  EXPECT_EQ(people.notes, (Lines{"no photos in " + (folder_ / "bo").string(),
                                 "no photos in " + (folder_ / "cy").string()}));
  EXPECT_EQ(people.loose, (std::vector<fs::path>{folder_ / "x.jpg"}));
}

}  // namespace
}  // namespace likeness
