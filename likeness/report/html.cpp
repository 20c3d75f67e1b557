#include "likeness/report/html.h"

#include <sodium.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "likeness/core/atomic_file.h"

namespace likeness {
namespace {

constexpr std::string_view kStyle = R"css(
:root { color-scheme: light dark; --ink: #1d2329; --soft: #5b6670; --line: #dde3e8; --page: #f6f8f9; --card: #ffffff;
  --accent: #0b6e99; --bad: #b3261e; --bad-soft: #fdecea; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaee; --soft: #9aa7b2; --line: #313a42; --page: #14181c;
  --card: #1c2227; --accent: #5cc0ea; --bad: #ff8a80; --bad-soft: #3a2120; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.55 system-ui, "Segoe UI", Roboto, "Helvetica Neue",
  Arial, sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.25rem; margin: 2.6rem 0 .9rem; padding-bottom: .35rem; border-bottom: 1px solid var(--line); }
.subtitle, figcaption, caption, .note { color: var(--soft); }
p { max-width: 46rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .9rem; margin: 1.2rem 0; }
.figure { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .9rem 1.1rem; }
.figure b { display: block; font-size: 1.7rem; line-height: 1.2; color: var(--accent); font-variant-numeric: tabular-nums; }
.figure .note { display: block; font-size: .85rem; }
.notice { border-left: .3rem solid var(--bad); background: var(--bad-soft); padding: .6rem 1rem; border-radius: .3rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; background: var(--card); border: 1px solid var(--line); margin: 1rem 0; font-size: .95rem; }
caption { text-align: left; font-size: .9rem; padding-bottom: .4rem; }
th, td { padding: .4rem .85rem; text-align: left; border-top: 1px solid var(--line); vertical-align: top; }
thead th { border-top: 0; font-weight: 600; }
.confusion td { text-align: center; min-width: 2.6rem; border: 1px solid var(--line); font-variant-numeric: tabular-nums;
  background: rgb(11 110 153 / calc(var(--share) * .9)); }
.confusion td.most { color: #fff; }
.confusion thead th { writing-mode: vertical-rl; transform: rotate(180deg); padding: .5rem .4rem; font-weight: 400; border: 0; }
.confusion tbody th { text-align: right; font-weight: 400; border: 0; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
figure { margin: 1.2rem 0; }
figure img { max-width: 100%; height: auto; border-radius: .5rem; border: 1px solid var(--line); background: #fff; }
figcaption { font-size: .9rem; margin-top: .3rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(11.5rem, 1fr)); gap: .9rem; margin: 1.2rem 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; overflow: hidden; }
.card.bad { border-color: var(--bad); }
.card img { display: block; width: 100%; height: auto; }
.card div { padding: .6rem .8rem .8rem; font-size: .9rem; overflow-wrap: anywhere; }
.card.bad b { color: var(--bad); }
.card span { display: block; color: var(--soft); }
pre { background: var(--card); border: 1px solid var(--line); border-radius: .4rem; padding: .7rem .9rem; overflow-x: auto;
  font: .85rem/1.5 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
@media print { body { background: #fff; } .card, .figure, figure { break-inside: avoid; } }
)css";

std::string data_uri(std::span<const std::byte> png) {
  std::string text(sodium_base64_ENCODED_LEN(png.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(png.data()), png.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();  // the closing zero is counted
  return "data:image/png;base64," + text;
}

/// Digits with what stands around them in tables: "97.8 %", "-0.12", "1,024", "0.93 to 0.99".
bool looks_like_number(const std::string& cell) {
  const bool digit = std::any_of(cell.begin(), cell.end(), [](unsigned char c) { return std::isdigit(c); });
  return cell.empty() || cell == "-" ||
         (digit && cell.find_first_not_of("0123456789.,+-% ") == std::string::npos);
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        if (static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t') out += c;
    }
  }
  return out;
}

HtmlReport::HtmlReport(std::string title, std::string subtitle)
    : title_(std::move(title)), subtitle_(std::move(subtitle)) {}

void HtmlReport::section(const std::string& title) { body_ += "<h2>" + escape_html(title) + "</h2>\n"; }
void HtmlReport::paragraph(const std::string& text) { body_ += "<p>" + escape_html(text) + "</p>\n"; }
void HtmlReport::notice(const std::string& text) {
  body_ += "<p class=\"notice\">" + escape_html(text) + "</p>\n";
}
void HtmlReport::code(const std::string& text) { body_ += "<pre>" + escape_html(text) + "</pre>\n"; }

void HtmlReport::figures(std::span<const Figure> figures) {
  body_ += "<div class=\"figures\">\n";
  for (const Figure& figure : figures) {
    body_ += "<div class=\"figure\"><b>" + escape_html(figure.value) + "</b>" + escape_html(figure.label);
    if (!figure.note.empty()) body_ += "<span class=\"note\">" + escape_html(figure.note) + "</span>";
    body_ += "</div>\n";
  }
  body_ += "</div>\n";
}

void HtmlReport::table(const Table& table) {
  std::vector<std::string> kind(table.columns.size(), " class=\"number\"");
  for (const auto& row : table.rows) {
    if (row.size() != kind.size())
      throw std::invalid_argument("a row of the table has another length than its head");
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (!looks_like_number(row[i])) kind[i].clear();
    }
  }
  body_ += "<div class=\"wide\"><table>\n";
  if (!table.caption.empty()) body_ += "<caption>" + escape_html(table.caption) + "</caption>\n";
  body_ += "<thead><tr>";
  for (std::size_t i = 0; i < kind.size(); ++i)
    body_ += "<th" + kind[i] + ">" + escape_html(table.columns[i]) + "</th>";
  body_ += "</tr></thead>\n<tbody>\n";
  for (const auto& row : table.rows) {
    body_ += "<tr>";
    for (std::size_t i = 0; i < kind.size(); ++i)
      body_ += "<td" + kind[i] + ">" + escape_html(row[i]) + "</td>";
    body_ += "</tr>\n";
  }
  body_ += "</tbody></table></div>\n";
}

void HtmlReport::confusion(const ConfusionMatrix& matrix) {
  constexpr std::size_t kMostPeople = 60;
  constexpr std::size_t kMostListed = 50;
  const std::size_t n = matrix.labels.size();
  if (n == 0 || matrix.counts.size() != n * n)
    throw std::invalid_argument("a confusion matrix is people x people");
  if (n > kMostPeople) {
    std::vector<std::size_t> wrong;
    for (std::size_t i = 0; i < n * n; ++i) {
      if (matrix.counts[i] > 0 && i / n != i % n) wrong.push_back(i);
    }
    std::ranges::stable_sort(wrong, std::ranges::greater{}, [&](std::size_t i) { return matrix.counts[i]; });
    if (wrong.size() > kMostListed) wrong.resize(kMostListed);
    Table list{.columns = {"who it is", "taken for", "times"}, .rows = {}, .caption = {}};
    for (const std::size_t i : wrong)
      list.rows.push_back({matrix.labels[i / n], matrix.labels[i % n], std::to_string(matrix.counts[i])});
    return list.rows.empty() ? paragraph("Nobody was taken for somebody else.") : table(list);
  }
  body_ +=
      "<div class=\"wide\"><table class=\"confusion\">\n<caption>Rows: who it is. Columns: who was "
      "named.</caption>\n"
      "<thead><tr><td></td>";
  for (const std::string& label : matrix.labels) body_ += "<th>" + escape_html(label) + "</th>";
  body_ += "</tr></thead>\n<tbody>\n";
  for (std::size_t truth = 0; truth < n; ++truth) {
    const auto row = std::span(matrix.counts).subspan(truth * n, n);
    const double total = static_cast<double>(std::accumulate(row.begin(), row.end(), std::size_t{0}));
    body_ += "<tr><th>" + escape_html(matrix.labels[truth]) + "</th>";
    for (const std::size_t count : row) {
      const double share = total > 0 ? static_cast<double>(count) / total : 0;
      char text[64];
      std::snprintf(text, sizeof text, "<td%s style=\"--share:%.3g\">", share > .5 ? " class=\"most\"" : "",
                    share);
      body_ += text + (count > 0 ? std::to_string(count) : "") + "</td>";
    }
    body_ += "</tr>\n";
  }
  body_ += "</tbody></table></div>\n";
}

void HtmlReport::picture(std::span<const std::byte> png, const std::string& description,
                         const std::string& caption) {
  body_ += "<figure><img src=\"" + data_uri(png) + "\" alt=\"" + escape_html(description) + "\">";
  if (!caption.empty()) body_ += "<figcaption>" + escape_html(caption) + "</figcaption>";
  body_ += "</figure>\n";
}

void HtmlReport::cards(std::span<const Card> cards) {
  body_ += "<div class=\"cards\">\n";
  for (const Card& card : cards) {
    body_ += card.bad ? "<div class=\"card bad\">" : "<div class=\"card\">";
    if (!card.png.empty())
      body_ += "<img src=\"" + data_uri(card.png) + "\" alt=\"" + escape_html(card.title) + "\">";
    body_ += "<div><b>" + escape_html(card.title) + "</b>";
    for (const std::string& line : card.lines) body_ += "<span>" + escape_html(line) + "</span>";
    body_ += "</div></div>\n";
  }
  body_ += "</div>\n";
}

std::string HtmlReport::str() const {
  std::string page = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
  page += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  page += "<title>" + escape_html(title_) + "</title>\n<style>" + std::string(kStyle) +
          "</style>\n</head>\n<body>\n<main>\n";
  page += "<h1>" + escape_html(title_) + "</h1>\n<p class=\"subtitle\">" + escape_html(subtitle_) + "</p>\n";
  return page + body_ + "</main>\n</body>\n</html>\n";
}

void HtmlReport::write(const std::filesystem::path& path) const { write_file(path, std::string_view(str())); }

}  // namespace likeness
