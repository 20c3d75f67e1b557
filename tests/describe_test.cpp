#include "cli/describe.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "cli/app.h"
#include "likeness/version.h"

namespace likeness::cli {
namespace {

class DescribeTest : public testing::Test {
 protected:
  Exit exit_ = Exit::kDone;
  std::unique_ptr<CLI::App> app_ = make_app(exit_);
};

std::size_t lines_with(const std::string& text, const std::string& wanted) {
  std::istringstream lines(text);
  std::size_t count = 0;
  for (std::string line; std::getline(lines, line);) count += line.find(wanted) != std::string::npos;
  return count;
}

/// The page between the heading of `called` and the next one.
std::string section_of(const std::string& page, const std::string& called) {
  const auto start = page.find(called == "likeness" ? "\n.SH COMMANDS" : "\n.SS \"" + called + "\"\n");
  if (start == std::string::npos) return "";
  return page.substr(start, page.find("\n.SS ", start + 1) - start);
}

TEST_F(DescribeTest, ThePageHasEveryCommandAndOption) {
  const std::string page = man_page(*app_, version());
  std::size_t commands = 0, options = 0;
  for_each_command(*app_, [&](const CLI::App& command, const std::string& called) {
    ++commands;
    std::string escaped;  // hyphens as roff wants them
    for (const char c : called) escaped += c == '-' ? std::string("\\-") : std::string(1, c);
    const std::string section = section_of(page, escaped);
    ASSERT_NE(section, "") << called;
    for (const CLI::Option* option : command.get_options()) {
      for (const auto& name : option->get_lnames()) {
        std::string typed = "\\-\\-";
        for (const char c : name) typed += c == '-' ? std::string("\\-") : std::string(1, c);
        EXPECT_EQ(lines_with(section, typed + "\\fR"), 1U) << called << " --" << name;
        ++options;
      }
      if (option->get_positional()) {
        EXPECT_NE(section.find("\\fB" + option->get_name(true) + "\\fR"), std::string::npos) << called;
      }
    }
  });
  // As `--help` shows them today; the counts say that the walk goes below the first level.
  EXPECT_GT(commands, 30U);
  EXPECT_GT(options, 200U);
}

/// What bash offers for `words`, the last of which is being typed.
std::set<std::string> offered(const std::string& script, const std::string& words, int last) {
  const std::string command = "bash -c 'source \"" + script + "\"; COMP_WORDS=(" + words +
                              "); COMP_CWORD=" + std::to_string(last) +
                              "; _likeness; printf \"%s\\n\" \"${COMPREPLY[@]}\"'";
  std::set<std::string> result;
  FILE* pipe = ::popen(command.c_str(), "r");
  std::string text;
  for (char piece[4096]; std::size_t n = std::fread(piece, 1, sizeof piece, pipe);) text.append(piece, n);
  EXPECT_EQ(::pclose(pipe), 0);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty()) result.insert(line);
  }
  return result;
}

TEST_F(DescribeTest, BashOffersEveryCommandAndOptionWhereItCanStand) {
  const auto script = std::filesystem::path(testing::TempDir()) / "likeness_completion.bash";
  std::ofstream(script) << bash_completion(*app_);
  for_each_command(*app_, [&](const CLI::App& command, const std::string& called) {
    const auto last = static_cast<int>(std::ranges::count(called, ' ')) + 1;
    std::set<std::string> parts, options;
    for (const auto* part : command.get_subcommands([](const CLI::App*) { return true; })) {
      parts.insert(part->get_name());
    }
    for (const auto* option : command.get_options()) {
      for (const auto& name : option->get_snames()) options.insert("-" + name);
      for (const auto& name : option->get_lnames()) options.insert("--" + name);
    }
    EXPECT_EQ(offered(script, called + " \"\"", last), parts) << called;
    EXPECT_EQ(offered(script, called + " -", last), options) << called;
  });
  EXPECT_EQ(offered(script, "likeness gallery a", 2).count("add"), 1U);
  EXPECT_EQ(offered(script, "likeness cluster photos --review s", 4),
            (std::set<std::string>{"standard", "strict"}));
  EXPECT_EQ(offered(script, "likeness detect gallery \"\"", 3), (std::set<std::string>{}));
  std::filesystem::remove(script);
}

}  // namespace
}  // namespace likeness::cli
