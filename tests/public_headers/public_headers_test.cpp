#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "likeness/likeness.h"

namespace likeness {
namespace {

/// As cmake/public_headers.cmake lists them.
std::set<std::string> public_headers() {
  std::istringstream list(LIKENESS_PUBLIC_HEADERS);
  std::set<std::string> headers;
  for (std::string header; list >> header;) {
    EXPECT_TRUE(headers.insert(header).second) << header << " is listed twice";
  }
  return headers;
}

// What is public cannot be changed at will, so there is little of it.
TEST(PublicHeaders, AreAtMost35) { EXPECT_LE(public_headers().size(), 35U); }

TEST(PublicHeaders, AreAllInLikenessH) {
  std::ifstream file(LIKENESS_ROOT "/likeness/likeness.h");
  std::set<std::string> included = {"likeness/likeness.h"};
  const std::string start = "#include \"";
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(start)) included.insert(line.substr(start.size(), line.size() - start.size() - 1));
  }
  EXPECT_EQ(included, public_headers());
}

TEST(Version, HeadersLibraryAndBuildSayTheSame) {
  EXPECT_STREQ(version(), LIKENESS_PROJECT_VERSION);
  EXPECT_STREQ(LIKENESS_VERSION, LIKENESS_PROJECT_VERSION);
  EXPECT_EQ(std::to_string(LIKENESS_VERSION_MAJOR) + "." + std::to_string(LIKENESS_VERSION_MINOR) + "." +
                std::to_string(LIKENESS_VERSION_PATCH),
            LIKENESS_PROJECT_VERSION);
}

}  // namespace
}  // namespace likeness
