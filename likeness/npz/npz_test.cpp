#include "likeness/npz/npz.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <iterator>

#include "likeness/core/error.h"
#include "likeness/npz/npy.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

// Made by NumPy 2 with tools/make_npz_fixtures.py.
const fs::path kData = LIKENESS_TESTDATA;

std::vector<float> grid() {
  std::vector<float> values(24);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) / 8;
  return values;
}

fs::path scratch(const std::string& name) {
  const fs::path folder = fs::path(testing::TempDir()) / ("npz_test_" + std::to_string(::getpid()));
  fs::create_directories(folder);
  return folder / name;
}

std::string content(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

template <typename Action>
std::string problem_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kDataInvalid);
    return error.what();
  }
  return "no error";
}

class ReadsNumPy : public testing::TestWithParam<const char*> {};

TEST_P(ReadsNumPy, EveryTypeStoredAndDeflated) {
  const NpzFile file(kData / GetParam());
  EXPECT_EQ(file.names().size(), 12U);
  EXPECT_EQ(file.get<float>("f4"), (Array<float>{{2, 3, 4}, grid()}));
  EXPECT_EQ(file.get<double>("f8").values[23], 23.0 / 8);
  EXPECT_EQ(file.get<std::uint8_t>("u1").shape, (std::vector<std::size_t>{2, 2, 3}));
  EXPECT_EQ(file.get<std::int32_t>("i4").values, (std::vector<std::int32_t>{-1, 2, 2147483647}));
  EXPECT_EQ(file.get<std::int64_t>("i8").values, (std::vector<std::int64_t>{-1, std::int64_t{1} << 62}));
  EXPECT_EQ(file.get<bool>("b1").values, (std::vector<bool>{true, false, true}));
  EXPECT_EQ(file.strings("names"), (std::vector<std::string>{"Ben Afflek", "Zoë", "李", "", "🙂 x"}));
  EXPECT_EQ(file.text("one"), "{\"a\": 1}");
  EXPECT_EQ(file.get<float>("empty"), (Array<float>{{0, 4}, {}}));
}

TEST_P(ReadsNumPy, FortranOrderAndBigEndianComeOutAsUsual) {
  const NpzFile file(kData / GetParam());
  EXPECT_EQ(file.get<float>("fortran"), (Array<float>{{2, 3, 4}, grid()}));
  EXPECT_EQ(file.get<float>("big"), (Array<float>{{2, 3, 4}, grid()}));
  EXPECT_EQ(file.strings("big_names"), (std::vector<std::string>{"Zoë", "b"}));
  EXPECT_EQ(file.info("big").dtype, ">f4");
}

INSTANTIATE_TEST_SUITE_P(Npz, ReadsNumPy, testing::Values("stored.npz", "deflated.npz"));

TEST(NpzFile, ReadsHeaderVersionsOneToThreeAndSkipsOtherFiles) {
  const NpzFile file(kData / "versions.npz");
  EXPECT_EQ(file.names(), (std::vector<std::string>{"v1", "v2", "v3"}));
  for (const std::string& name : file.names()) EXPECT_EQ(file.get<std::int32_t>(name).values.size(), 3U);
}

TEST(NpzFile, RefusesByFileMemberAndProblem) {
  const NpzFile file(kData / "refused.npz");
  const std::pair<const char*, const char*> cases[] = {{"object", "Python objects"},
                                                       {"complex", "not supported"},
                                                       {"structured", "structured array"},
                                                       {"bytes", "holds |S"},
                                                       {"short", "announces 24"},
                                                       {"magic", "is not an .npy"},
                                                       {"huge", "impossible shape"},
                                                       {"many", "announces 1000000000"},
                                                       {"zero_width", "impossible length"},
                                                       {"negative", "shape"},
                                                       {"v9", "version 9.0"},
                                                       {"missing", "has no member missing"}};
  for (const auto& [member, problem] : cases) {
    const std::string said = problem_of([&, member = member] { (void)file.get<float>(member); });
    EXPECT_NE(said.find("refused.npz"), std::string::npos) << said;
    EXPECT_NE(said.find(member), std::string::npos) << said;
    EXPECT_NE(said.find(problem), std::string::npos) << said;
  }
  EXPECT_NE(problem_of([&] { (void)file.strings("surrogate"); }).find("not valid Unicode"),
            std::string::npos);
}

TEST(Half, HasTheValuesOfTheStandard) {
  // IEEE 754-2008 binary16: 1 sign, 5 exponent, 10 fraction bits.
  const std::pair<int, float> cases[] = {{0x3C00, 1},        {0xC000, -2},       {0x7BFF, 65504},
                                         {0x0400, 0x1p-14F}, {0x0001, 0x1p-24F}, {0x3555, 0.333251953125F},
                                         {0x8000, 0},        {0x7C00, INFINITY}};
  for (const auto& [bits, value] : cases)
    EXPECT_EQ(half_to_float(static_cast<std::uint16_t>(bits)), value) << bits;
  EXPECT_TRUE(std::isnan(half_to_float(0x7E00)));
  EXPECT_TRUE(std::signbit(half_to_float(0x8000)));
}

TEST(NpzFile, ConvertsNumbersAndBytesWhereAsked) {
  const NpzFile file(kData / "foreign.npz");
  const float third = 0.333251953125F;  // the nearest of 10 bits of fraction
  EXPECT_EQ(file.floats("emdTrainX"), (Array<float>{{2, 3}, {0.5F, -2, third, 65504, 0x1p-24F, 0}}));
  EXPECT_EQ(file.floats("emdTestX").values, (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(file.floats("i1").values, (std::vector<float>{-128, 127}));
  EXPECT_EQ(file.strings("trainy"), (std::vector<std::string>{"Zoë", "Bo"}));
  EXPECT_EQ(file.get<std::string>("testy").shape, (std::vector<std::size_t>{1, 1}));
  EXPECT_EQ(file.whole_numbers("i1").values, (std::vector<std::int64_t>{-128, 127}));
  EXPECT_EQ(file.whole_numbers("u2").values, (std::vector<std::int64_t>{65535, 1}));
  EXPECT_NE(problem_of([&] { (void)file.whole_numbers("u8"); }).find("over 64 bits"), std::string::npos);
  EXPECT_NE(problem_of([&] { (void)file.whole_numbers("emdTrainX"); }).find("whole numbers are wanted"),
            std::string::npos);
  EXPECT_NE(problem_of([&] { (void)file.floats("trainy"); }).find("numbers are wanted"), std::string::npos);
  EXPECT_NE(problem_of([&] { (void)file.strings("latin"); }).find("item 0 is not valid UTF-8"),
            std::string::npos);
}

TEST(NpzFile, RefusesAnotherTypeThanAskedFor) {
  const NpzFile file(kData / "stored.npz");
  EXPECT_NE(problem_of([&] { (void)file.get<double>("f4"); }).find("holds <f4 where <f8 is wanted"),
            std::string::npos);
  EXPECT_NE(problem_of([&] { (void)file.strings("f4"); }).find("holds <f4"), std::string::npos);
  EXPECT_NE(problem_of([&] { (void)file.text("names"); }).find("not a single string"), std::string::npos);
  EXPECT_NE(problem_of([&] { (void)file.strings("one"); }).find("not a list"), std::string::npos);
}

TEST(NpzFile, RefusesMembersOverFourGibibytesByName) {
  const NpzFile file(kData / "giant.npz");
  const std::string said = problem_of([&] { (void)file.get<float>("giant"); });
  EXPECT_NE(said.find("member giant is over 4 GiB"), std::string::npos) << said;
}

TEST(NpzFile, MissingFileAndFolderAreInputErrors) {
  for (const fs::path& path : {kData / "nowhere.npz", kData}) {
    try {
      const NpzFile file(path);
      FAIL() << path;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInputUnreadable);
    }
  }
}

/// Reads whatever can be read; only an Error may come out.
void read_everything(std::span<const std::byte> bytes) {
  try {
    const NpzFile file(bytes, "damaged.npz");
    for (const std::string& name : file.names()) {
      try {
        (void)file.get<float>(name);
      } catch (const Error&) {
      }
      try {
        (void)file.get<std::string>(name);
      } catch (const Error&) {
      }
    }
  } catch (const Error&) {
  }
}

TEST(NpzFile, SurvivesEveryTruncationAndFlippedBytes) {
  for (const char* name : {"stored.npz", "deflated.npz", "refused.npz"}) {
    const std::string good = content(kData / name);
    for (std::size_t length = 0; length < good.size(); length += 7) {
      read_everything(std::as_bytes(std::span(good.data(), length)));
    }
    for (std::size_t at = 0; at < good.size(); at += 3) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ (1 << at % 8));
      read_everything(std::as_bytes(std::span(bad)));
    }
  }
}

TEST(NpzFile, NoticesAFlippedBitInTheNumbers) {
  const fs::path path = scratch("flipped.npz");
  write_npz(path, {{"x", Array<float>{{24}, grid()}}}, false);
  std::string bytes = content(path);
  bytes[bytes.find("NUMPY") + 150] ^= 1;
  const NpzFile file(std::as_bytes(std::span(bytes)), "flipped.npz");
  EXPECT_NE(problem_of([&] { (void)file.get<float>("x"); }).find("CRC"), std::string::npos);
}

TEST(WriteNpz, GivesBackWhatWasWritten) {
  const std::vector<NpzMember> members = {
      {"f", Array<float>{{2, 3, 4}, grid()}},
      {"d", Array<double>{{}, {0.1}}},
      {"b", Array<bool>{{3}, {true, false, true}}},
      {"u", Array<std::uint8_t>{{0, 5}, {}}},
      {"i", Array<std::int32_t>{{1}, {-7}}},
      {"l", Array<std::int64_t>{{2}, {1, -1}}},
      strings_member("s", {"", "Zoë", "🙂"}),
      strings_member("none", {}),
      text_member("t", "{}"),
  };
  for (const bool compressed : {false, true}) {
    const fs::path path = scratch("round.npz");
    write_npz(path, members, compressed);
    const NpzFile file(path);
    for (const NpzMember& member : members) {
      std::visit(
          [&](const auto& array) {
            if constexpr (!std::is_same_v<std::decay_t<decltype(array)>, ByteRows>) {
              using T = typename std::decay_t<decltype(array.values)>::value_type;
              EXPECT_EQ(file.get<T>(member.name), array) << member.name;
            }
          },
          member.array);
    }
  }
}

TEST(WriteNpz, DeflatesWhatShrinksAndStoresWhatDoesNot) {
  // 200,000 bytes each: one value repeated, and a multiplicative generator's, which no deflate can shrink.
  Array<std::uint8_t> flat{{200'000}, std::vector<std::uint8_t>(200'000, 7)};
  Array<std::uint8_t> noise = flat;
  std::uint32_t state = 1;
  for (auto& value : noise.values)
    value = static_cast<std::uint8_t>((state = state * 1664525U + 1013904223U) >> 24);
  write_npz(scratch("flat.npz"), {{"x", flat}});
  write_npz(scratch("noise.npz"), {{"x", noise}});
  EXPECT_LT(fs::file_size(scratch("flat.npz")), 2'000U);
  EXPECT_GT(fs::file_size(scratch("noise.npz")), 200'000U);
  EXPECT_EQ(NpzFile(scratch("noise.npz")).get<std::uint8_t>("x"), noise);
  EXPECT_EQ(NpzFile(scratch("flat.npz")).get<std::uint8_t>("x"), flat);
}

TEST(WriteNpz, SameArraysGiveSameBytes) {
  const std::vector<NpzMember> members = {{"x", Array<float>{{24}, grid()}},
                                          strings_member("y", {"a", "bc"})};
  write_npz(scratch("one.npz"), members);
  write_npz(scratch("two.npz"), members);
  EXPECT_EQ(content(scratch("one.npz")), content(scratch("two.npz")));
}

TEST(WriteNpz, RowsThatLieApartGiveTheBytesOfOneArray) {
  Array<std::uint8_t> whole{{4, 50'000}, std::vector<std::uint8_t>(200'000)};
  for (const bool noisy : {false, true}) {  // deflated, stored
    std::uint32_t state = 1;
    for (auto& value : whole.values)
      value = noisy ? static_cast<std::uint8_t>((state = state * 1664525U + 1013904223U) >> 24) : 7;
    ByteRows rows{whole.shape, {}};
    const std::span<const std::uint8_t> all(whole.values);
    for (std::size_t row = 0; row < 4; ++row) rows.values.push_back(all.subspan(row * 50'000, 50'000));
    rows.values.insert(rows.values.begin() + 2, std::span<const std::uint8_t>());
    write_npz(scratch("one.npz"), {{"x", whole}});
    write_npz(scratch("two.npz"), {{"x", rows}});
    EXPECT_EQ(content(scratch("one.npz")), content(scratch("two.npz")));
    rows.values.pop_back();
    EXPECT_THROW(write_npz(scratch("two.npz"), {{"x", rows}}), std::invalid_argument);
  }
}

TEST(WriteNpz, HeaderIsNumPysFirstVersionPaddedToSixtyFour) {
  const std::size_t shape[] = {93, 128};
  const std::string header = make_npy_header("<f4", shape);
  EXPECT_EQ(header.size() % 64, 0U);
  EXPECT_EQ(header.substr(0, 8), std::string("\x93NUMPY\x01\x00", 8));
  EXPECT_NE(header.find("{'descr': '<f4', 'fortran_order': False, 'shape': (93, 128), }"), std::string::npos);
  EXPECT_EQ(header.back(), '\n');
}

TEST(WriteNpz, RefusesBadTextAndDisagreeingShapesAndLeavesNothing) {
  const fs::path path = scratch("never.npz");
  EXPECT_NE(problem_of([&] {
              write_npz(path, {strings_member("y", {"ok", "\xFF"})});
            }).find("not valid UTF-8"),
            std::string::npos);
  EXPECT_THROW(write_npz(path, {{"x", Array<float>{{3}, {1, 2}}}}), std::invalid_argument);
  EXPECT_FALSE(fs::exists(path));
}

TEST(WriteNpz, SaysWhereItCannotWrite) {
  try {
    write_npz(scratch("no/such/folder/x.npz"), {text_member("t", "x")});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kOutputUnwritable);
  }
}

TEST(NpzFile, ReadsTheTutorialsOwnFiles) {
  const fs::path folder = fs::path(LIKENESS_SHARED) / "data/five-celebrity";
  if (!fs::exists(folder)) GTEST_SKIP() << "no " << folder;
  const NpzFile faces(folder / "5-celebrity-faces-dataset.npz");
  EXPECT_EQ(faces.get<std::uint8_t>("arr_0").shape, (std::vector<std::size_t>{93, 160, 160, 3}));
  EXPECT_EQ(faces.strings("arr_3").size(), 25U);
  const NpzFile embeddings(folder / "faces-embeddings.npz");
  EXPECT_EQ(embeddings.get<float>("arr_2").shape, (std::vector<std::size_t>{25, 128}));
  EXPECT_EQ(embeddings.strings("arr_1").front(), "ben_afflek");
}

}  // namespace
}  // namespace likeness
