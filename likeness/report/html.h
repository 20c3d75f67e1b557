#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace likeness {

/// One number that a reader should see first.
struct Figure {
  std::string value;  ///< E.g. "25 of 25".
  std::string label;  ///< E.g. "validation photos named rightly".
  std::string note;   ///< Small print below, e.g. an interval. May be empty.
};

struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;  ///< Each as long as `columns`.
  std::string caption;                         ///< May be empty.
};

/// How often each person was taken for each.
struct ConfusionMatrix {
  std::vector<std::string> labels;
  std::vector<std::size_t> counts;  ///< counts[truth * labels + predicted].
};

/// A small picture with words, e.g. a missed face: who it is and who it was taken for.
struct Card {
  std::vector<std::byte> png;  ///< Empty: no picture.
  std::string title;
  std::vector<std::string> lines;
  bool bad = false;  ///< Marked as a mistake.
};

/// "&<>\"'" made harmless; control characters dropped. Every text given to HtmlReport goes through this.
[[nodiscard]] std::string escape_html(std::string_view text);

/// One self-contained HTML page: style and pictures inside, nothing loaded, no scripts; readable in light and
/// dark. Parts appear in the order of the calls. All texts are plain and escaped here.
class HtmlReport {
 public:
  HtmlReport(std::string title, std::string subtitle);

  void section(const std::string& title);
  void paragraph(const std::string& text);
  /// A remark that should not be missed.
  void notice(const std::string& text);
  void figures(std::span<const Figure> figures);
  /// Columns whose every cell looks like a number are set flush right. @throws std::invalid_argument for rows
  /// of another length.
  void table(const Table& table);
  /// A row a person, a column a name that was given, shaded by the share of the row. Of more than 60 people
  /// the most frequent confusions instead, at most 50. @throws std::invalid_argument where sizes differ.
  void confusion(const ConfusionMatrix& matrix);
  void picture(std::span<const std::byte> png, const std::string& description,
               const std::string& caption = "");
  void cards(std::span<const Card> cards);
  /// Shown as it is, in a fixed-width font: a command, a hash.
  void code(const std::string& text);

  [[nodiscard]] std::string str() const;
  /// @throws Error kOutputUnwritable.
  void write(const std::filesystem::path& path) const;

 private:
  std::string title_;
  std::string subtitle_;
  std::string body_;
};

}  // namespace likeness
