#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace likeness {

struct TextLine {
  std::size_t number = 0;  ///< In the file, from 1.
  std::string text;        ///< UTF-8 where the file said what it is; without blanks at its ends.
};

/// The lines of a list that somebody made, with whatever program: UTF-8 or UTF-16 with a byte order mark, or
/// without (then bytes are kept, but for UTF-16 of Latin letters, which is known by its zeros); lines end in
/// LF, CR LF or CR. Blank lines and comments (from # at the start of a line) are left out.
/// @throws Error kInputUnreadable, also for a file of more than `most_bytes`; kDataInvalid for UTF-16 that is
/// none.
[[nodiscard]] std::vector<TextLine> read_text_lines(const std::filesystem::path& path,
                                                    std::size_t most_bytes = std::size_t{256} << 20);

/// A line's fields: between tabs where there are any, else between commas (with "quotes", doubled inside),
/// else between blanks. Blanks at the ends of a field are cut.
[[nodiscard]] std::vector<std::string> split_fields(std::string_view line);

}  // namespace likeness
