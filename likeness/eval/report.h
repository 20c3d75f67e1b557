#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "likeness/eval/plot_files.h"
#include "likeness/report/html.h"

namespace likeness {

/// What a protocol found, as data: a program prints it, serves it or writes its page.
struct EvalReport {
  std::string title;                   ///< Of the page.
  std::string words;                   ///< Of what and how it was measured, in a sentence.
  Table table;                         ///< The figures in words and numbers for people.
  NamedPlots plots{};                  ///< By the name of their files.
  std::vector<std::string> remarks{};  ///< Lines below the table.
  nlohmann::ordered_json
      json{};  ///< One object with all figures, for programs; null for what is not measured.
};

/// The words, an empty line, the table in aligned columns (with headings where there are more than two), and
/// the remarks after another empty line: a line of plain text each.
[[nodiscard]] std::vector<std::string> text_of(const EvalReport& report);

/// Writes report.html, and the plots as write_plots() does, into `folder`, which is made.
/// @throws Error kOutputUnwritable.
void write_report(const std::filesystem::path& folder, const EvalReport& report);

}  // namespace likeness
