#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "likeness/core/atomic_file.h"
#include "likeness/core/error.h"
#include "likeness/core/sha256.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

class AtomicFileTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }
  fs::path folder_;
};

TEST_F(AtomicFileTest, LeavesNothingBehindWithoutCommit) {
  {
    AtomicFile file(folder_ / "result.txt");
    file.write(std::as_bytes(std::span("half", 4)));
    EXPECT_EQ(files(), 1U);  // the temporary one
    EXPECT_FALSE(fs::exists(folder_ / "result.txt"));
  }
  EXPECT_EQ(files(), 0U);
}

TEST_F(AtomicFileTest, ReplacesAnOlderFileAtCommit) {
  write_file(folder_ / "result.txt", "old");
  write_file(folder_ / "result.txt", "new");
  std::ifstream in(folder_ / "result.txt");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "new");
  EXPECT_EQ(files(), 1U);
}

TEST_F(AtomicFileTest, NamesTheFileThatCannotBeWritten) {
  try {
    write_file(folder_ / "no" / "such" / "folder.txt", "x");
    FAIL() << "expected Error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kOutputUnwritable);
    EXPECT_NE(std::string(e.what()).find("folder.txt: No such file or directory"), std::string::npos)
        << e.what();
  }
}

// FIPS 180-2, appendix B.1, and the empty message.
TEST(Sha256, AgreesWithThePublishedExamples) {
  EXPECT_EQ(sha256(std::as_bytes(std::span("abc", 3))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256({}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Sha256, OfAFileIsThatOfItsBytes) {
  const fs::path path = fs::path(testing::TempDir()) / "sha256_of_a_file";
  write_file(path, "abc");
  EXPECT_EQ(sha256_file(path), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  fs::remove(path);
  EXPECT_THROW((void)sha256_file(path), Error);
}

}  // namespace
}  // namespace likeness
