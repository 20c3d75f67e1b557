#include "likeness/eval/report.h"

#include <algorithm>

namespace likeness {
namespace {

std::vector<std::string> aligned(const Table& table) {
  // Two columns speak for themselves; more have headings.
  std::vector<std::vector<std::string>> rows = table.rows;
  if (table.columns.size() > 2) rows.insert(rows.begin(), table.columns);
  std::vector<std::size_t> widths(table.columns.size());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::vector<std::string> lines;
  for (const auto& row : rows) {
    std::string& line = lines.emplace_back();
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line.append(widths[i] - row[i].size() + 2, ' ');
    }
  }
  return lines;
}

}  // namespace

std::vector<std::string> text_of(const EvalReport& report) {
  std::vector<std::string> lines{report.words, ""};
  for (std::string& line : aligned(report.table)) lines.push_back(std::move(line));
  if (!report.remarks.empty()) lines.emplace_back();
  lines.insert(lines.end(), report.remarks.begin(), report.remarks.end());
  return lines;
}

void write_report(const std::filesystem::path& folder, const EvalReport& report) {
  const auto drawn = write_plots(folder, report.plots);
  HtmlReport page(report.title, report.words);
  page.table(report.table);
  if (drawn.empty() && !report.plots.empty())
    page.notice("No pictures: gnuplot is not installed (package gnuplot-nox).");
  for (const auto& [name, plot] : drawn) page.picture(plot.png, name);
  page.write(folder / "report.html");
}

}  // namespace likeness
