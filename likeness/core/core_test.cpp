#include <gtest/gtest.h>
#include <sodium.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "likeness/core/atomic_file.h"
#include "likeness/core/cache_folder.h"
#include "likeness/core/error.h"
#include "likeness/core/now.h"
#include "likeness/core/output.h"
#include "likeness/core/person_name.h"
#include "likeness/core/sha256.h"
#include "likeness/core/xxh64.h"

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

TEST_F(AtomicFileTest, IsForItsOwnerAloneFromTheFirstMomentWhereThatIsAskedFor) {
  const auto permissions = [](const fs::path& file) { return fs::status(file).permissions(); };
  write_file(folder_ / "keys", "others may have read this");
  AtomicFile file(folder_ / "keys", 0600);
  EXPECT_EQ(permissions(file.temporary()), fs::perms(0600));
  file.commit();
  EXPECT_EQ(permissions(folder_ / "keys"), fs::perms(0600));
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
using Outputs = AtomicFileTest;

TEST_F(Outputs, ThatCannotBeWrittenAreToldBeforeTheWork) {
  const auto why = [](const std::filesystem::path& file) -> std::string {
    try {
      require_writable(file);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kOutputUnwritable);
      return error.what();
    }
    return "";
  };
  write_file(folder_ / "file", std::string_view("x"));
  EXPECT_EQ(why(folder_ / "new.npz"), "");
  EXPECT_EQ(why(folder_ / "file"), "");
  EXPECT_EQ(files(), 1U);  // nothing was left behind
  EXPECT_NE(why(folder_ / "gone/e.npz").find("there is no folder"), std::string::npos);
  EXPECT_NE(why(folder_ / "file/e.npz").find("is no folder"), std::string::npos);
  EXPECT_NE(why(folder_).find("it is a folder"), std::string::npos);
  EXPECT_NE(why(folder_ / "").find("the name of a file is missing"), std::string::npos);
  EXPECT_NE(why(folder_ / std::string(300, 'x')).find("File name too long"), std::string::npos);
  EXPECT_NE(why("/dev/null").find("it is no ordinary file"), std::string::npos);
  EXPECT_THROW(OutputFolder(folder_ / "file/out"), Error);
  EXPECT_THROW(OutputFolder(folder_ / "file"), Error);
}

TEST_F(Outputs, MarkTheirFolderWhollyOnlyWhereItWasEmpty) {
  EXPECT_FALSE(read_output_mark(folder_).has_value());
  OutputFolder own(folder_ / "a/own/");
  EXPECT_TRUE(read_output_mark(own.path())->whole);
  write_file(folder_ / "photo.jpg", std::string_view("x"));
  {
    OutputFolder shared(folder_);
    EXPECT_EQ(shared.file("1.png"), folder_ / "1.png");
  }
  EXPECT_EQ(output_picture(folder_ / "2.png"), folder_ / "2.png");
  OutputFolder again(folder_);
  (void)again.file("3.png");
  const auto mark = read_output_mark(folder_);
  EXPECT_FALSE(mark->whole);
  EXPECT_EQ(mark->files, (std::set<std::string>{"1.png", "2.png", "3.png"}));
}

TEST_F(Outputs, LeaveNoEmptyFolderWhereTheWorkStops) {
  const auto stopped = [&](const fs::path& folder, bool written) {
    try {
      OutputFolder out(folder);
      if (written) write_file(out.file("1.png"), std::string_view("x"));
      throw std::runtime_error("no model");
    } catch (const std::runtime_error&) {
    }
  };
  stopped(folder_ / "a/b/", false);
  EXPECT_FALSE(fs::exists(folder_ / "a"));
  fs::create_directories(folder_ / "mine");
  stopped(folder_ / "mine/b", false);
  EXPECT_TRUE(fs::is_empty(folder_ / "mine"));
  stopped(folder_ / "mine", false);
  EXPECT_TRUE(fs::exists(folder_ / "mine"));
  stopped(folder_ / "a/b", true);
  EXPECT_TRUE(fs::exists(folder_ / "a/b/1.png"));
  OutputFolder::require_writable(folder_ / "c");
  EXPECT_FALSE(fs::exists(folder_ / "c"));
  { const OutputFolder kept(folder_ / "c"); }
  EXPECT_TRUE(fs::exists(folder_ / "c"));
}

TEST_F(Outputs, OfPhotosThatAreCalledTheSameGetNamesOfTheirOwn) {
  OutputFolder out(folder_ / "out");
  const auto name = [&](const char* stem) { return out.file_of(stem, ".named.png").filename().string(); };
  EXPECT_EQ(name("x"), "x.named.png");
  EXPECT_EQ(name("x"), "x_2.named.png");
  EXPECT_EQ(name("x_2"), "x_2_2.named.png");  // a photo's own name that was given away
  EXPECT_EQ(name("X"), "X_3.named.png");      // one file on some disks
  EXPECT_EQ(name("y"), "y.named.png");
  // The next run writes the same files again.
  EXPECT_EQ(OutputFolder(folder_ / "out").file_of("x", ".named.png").filename(), "x.named.png");
}

TEST(FoldedName, IsTheSameInCapitals) {
  EXPECT_EQ(folded_name("Ann LEE"), "ann lee");
  EXPECT_EQ(folded_name("ZO\u00cb"), folded_name("zo\u00eb"));
  EXPECT_EQ(folded_name("Stra\u00dfe"), folded_name("STRASSE"));
  EXPECT_NE(folded_name("Jos\u00e9"), folded_name("Jose"));
  EXPECT_EQ(folded_name(""), "");
}

TEST(TidyName, MakesNamesThatLookAlikeOne) {
  const std::string composed = "Jos\u00e9";
  const std::vector<std::string> alike = {composed, "Jose\u0301", " " + composed + "\t",
                                          "\u00a0Jose\u0301\u3000", "\ufeff" + composed + "\u200b"};
  for (const std::string& same : alike) EXPECT_EQ(tidy_name(same), composed) << same;
  EXPECT_EQ(tidy_name("Ann "), "Ann");
  EXPECT_EQ(tidy_name("Ann  Lee"), "Ann  Lee");          // inside it is somebody's own affair
  EXPECT_EQ(tidy_name("\u1112\u1161\u11ab"), "\ud55c");  // Hangul, as folders of macOS spell it
  EXPECT_NE(tidy_name("\u0410nn"), "Ann");               // another alphabet's A is another letter
  for (const char* blank : {"", "  ", "\t\r\n", "\u00a0", "\u3000 \u200b"})
    EXPECT_EQ(tidy_name(blank), "") << blank;
  EXPECT_EQ(tidy_name("\xe9t\xe9 "), "\xe9t\xe9");  // Latin-1: kept
}

TEST(Sha256, AgreesWithThePublishedExamples) {
  EXPECT_EQ(sha256(std::as_bytes(std::span("abc", 3))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256({}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Sha256, AgreesWithLibsodiumAtEveryLength) {
  std::vector<std::byte> bytes(400);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 37 + i / 256);
  for (std::size_t length = 0; length <= bytes.size(); ++length) {
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(digest, reinterpret_cast<const unsigned char*>(bytes.data()), length);
    char hex[2 * sizeof digest + 1];
    EXPECT_EQ(sha256(std::span(bytes).first(length)), sodium_bin2hex(hex, sizeof hex, digest, sizeof digest));
  }
}

TEST(Sha256, OfALargeFileIsThatOfItsBytes) {
  const fs::path path = fs::path(testing::TempDir()) / "sha256_of_a_large_file";
  const std::string text(1'000'000, 'a');  // the third published example
  write_file(path, text);
  const char* known = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
  EXPECT_EQ(sha256(std::as_bytes(std::span(text))), known);
  EXPECT_EQ(sha256_file(path), known);
  fs::remove(path);
}

TEST(Sha256, OfAFileIsThatOfItsBytes) {
  const fs::path path = fs::path(testing::TempDir()) / "sha256_of_a_file";
  write_file(path, "abc");
  EXPECT_EQ(sha256_file(path), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  fs::remove(path);
  EXPECT_THROW((void)sha256_file(path), Error);
}

TEST(Xxh64, AgreesWithTheReference) {
  // Digests by xxhash 3.x for Python (xxh64, seed 0) of bytes (7 i + 3) mod 256.
  const std::pair<std::size_t, std::uint64_t> known[] = {
      {0, 0xef46db3751d8e999},   {1, 0x1f25c8d0bc1f4bb6},  {3, 0x31d2363f52e564c9},
      {4, 0x9bb64b7d66ee9fda},   {14, 0xc7f1d4d0acfa5a14}, {31, 0xa2aa5f33cc4a6119},
      {32, 0x23c3c17ef790fd97},  {33, 0x50a7cfc7ba588784}, {100, 0xa61f8d4c170fe531},
      {1000, 0x5f235fa033f1a3fb}};
  for (const auto& [size, digest] : known) {
    std::vector<std::byte> bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(7 * i + 3);
    for (const std::size_t piece : {1U, 5U, 32U, 77U, 1000U}) {
      Xxh64 sum;
      for (std::size_t at = 0; at < size; at += piece)
        sum.update(std::span(bytes).subspan(at, std::min<std::size_t>(piece, size - at)));
      EXPECT_EQ(sum.digest(), digest) << size << " bytes in pieces of " << piece;
    }
  }
}

TEST(ClockWatch, TellsOnceThatTheClockWasSet) {
  constexpr std::int64_t kNow = 1'795'858'200'000;
  constexpr std::int64_t kYear = std::int64_t{365} * 24 * 3600 * 1000;
  ClockWatch watch;
  EXPECT_FALSE(watch.was_set(kNow, 5000));
  EXPECT_FALSE(watch.was_set(kNow + 600'500, 605'000));  // clocks differ a little
  EXPECT_TRUE(watch.was_set(kNow + kYear, 1'205'000));
  EXPECT_FALSE(watch.was_set(kNow + kYear + 600'000, 1'805'000));  // it stays so
  EXPECT_TRUE(watch.was_set(kNow + 2'400'000, 2'405'000));         // and is set right
  EXPECT_FALSE(watch.was_set(kNow + 3'000'000, 3'005'000));
}

TEST(CachePlace, DependsOnTheFileAndOnWhatIsMadeOfIt) {
  const fs::path source = fs::path(testing::TempDir()) / "cache_place_source";
  write_file(source, "one");
  const CachePlace first = cache_place("kept", source, "f32\n", ".packed");
  EXPECT_EQ(first.file.parent_path(), "kept");
  EXPECT_EQ(first.file.extension(), ".packed");
  EXPECT_NE(cache_place("kept", source, "bf16\n", ".packed").file, first.file);
  write_file(source, "three");  // the same place, another key: what was kept there no longer holds
  const CachePlace second = cache_place("kept", source, "f32\n", ".packed");
  EXPECT_EQ(second.file, first.file);
  EXPECT_NE(second.key, first.key);
  EXPECT_TRUE(cache_place("", source, "f32\n", ".packed").file.empty());
  fs::remove(source);
  EXPECT_TRUE(cache_place("kept", source, "f32\n", ".packed").file.empty());
}

}  // namespace
}  // namespace likeness
