// Every figure that docs/figures/sources.json lists stands in its document as the stored report has it. The
// reports are what the listed commands printed with --json; docs/figures/README.md says how to add one.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

namespace likeness {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const fs::path kRoot = LIKENESS_ROOT;

/// A document as one line: tables and paragraphs may break anywhere.
std::string one_line(const std::string& text) {
  std::string result;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (!space) result += c;
    if (space && !result.empty() && result.back() != ' ') result += ' ';
  }
  return result;
}

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(in), {}};
}

/// `value` as `format` shows it: "0.000" with so many decimals, "+0.000" the same with its sign, "0" whole,
/// "0,000" whole with commas.
std::string formatted(double value, const std::string& format) {
  const auto point = format.find('.');
  const int decimals = point == std::string::npos ? 0 : static_cast<int>(format.size() - point - 1);
  char digits[64];
  std::snprintf(digits, sizeof digits, format[0] == '+' ? "%+.*f" : "%.*f", decimals, value);
  std::string text = digits;
  if (format == "0,000") {
    for (auto place = static_cast<int>(text.size()) - 3; place > (value < 0 ? 1 : 0); place -= 3)
      text.insert(static_cast<std::size_t>(place), ",");
  }
  return text;
}

TEST(Figures, FormatsReadAsTheyLook) {
  EXPECT_EQ(formatted(0.98349, "0.000"), "0.983");
  EXPECT_EQ(formatted(0.98349, "0.00"), "0.98");
  EXPECT_EQ(formatted(12.34, "0.0"), "12.3");
  EXPECT_EQ(formatted(10.34, "0.0"), "10.3");
  EXPECT_EQ(formatted(-0.0021, "+0.000"), "-0.002");
  EXPECT_EQ(formatted(0.0021, "+0.000"), "+0.002");
  EXPECT_EQ(formatted(1197943, "0,000"), "1,197,943");
  EXPECT_EQ(formatted(983, "0,000"), "983");
  EXPECT_EQ(formatted(46, "0"), "46");
}

TEST(Figures, DocumentsSayWhatTheReportsSay) {
  const fs::path folder = kRoot / "docs/figures";
  const json sources = json::parse(read(folder / "sources.json"));
  std::map<std::string, std::string> documents;
  const auto document = [&](const std::string& name) -> const std::string& {
    const auto [entry, added] = documents.try_emplace(name);
    if (added) entry->second = one_line(read(kRoot / name));
    return entry->second;
  };
  ASSERT_FALSE(sources.at("figures").empty());
  for (const json& figure : sources.at("figures")) {
    const std::string name = figure.at("document");
    const std::string report = figure.at("report");
    const std::string command = sources.at("reports").at(report);
    EXPECT_NE(document(name).find(one_line(command)), std::string::npos)
        << name << " shows figures of " << report << " but not the command that printed them:\n  " << command;

    const json value =
        json::parse(read(folder / report)).at(json::json_pointer(figure.at("at").get<std::string>()));
    ASSERT_TRUE(value.is_number()) << report << " has no number at " << figure.at("at");
    const std::string shown =
        formatted(value.get<double>() * figure.value("times", 1.0), figure.at("format"));
    std::string text = figure.at("text");
    const auto place = text.find("{}");
    ASSERT_NE(place, std::string::npos) << text << ": where does the number stand? Write {} there";
    EXPECT_NE(document(name).find(text.replace(place, 2, shown)), std::string::npos)
        << name << " does not say \"" << text << "\", which is what " << report << " has at "
        << figure.at("at");
  }
}

}  // namespace
}  // namespace likeness
