#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serve/http.h"

namespace likeness::serve {

/// A file that is part of the program.
struct StaticFile {
  std::string_view path;  ///< "/web/app.js": what it is asked by.
  std::string_view bytes;
};

/// Files that are served as they are, to whoever asks: they hold nothing but the program. Browsers may keep
/// them, and ask each time whether they are the same still (ETag). Threads may share one.
class StaticFiles {
 public:
  /// @throws std::invalid_argument for a file whose name says no type that is known.
  explicit StaticFiles(std::vector<StaticFile> files);

  /// Whether the path is a file's, whatever the method.
  [[nodiscard]] bool has(const RequestHead& head) const { return find(head) != nullptr; }
  /// 200 or 304 for GET and HEAD, 405 else; the file that has() told of.
  /// @throws std::invalid_argument where there is none.
  [[nodiscard]] Response answer(const RequestHead& head) const;

 private:
  struct Entry {
    StaticFile file;
    std::string_view type;
    std::string etag;
  };
  [[nodiscard]] const Entry* find(const RequestHead& head) const;

  std::vector<Entry> entries_;
};

/// The page: what stands in serve/web/, "/" being its index.html.
[[nodiscard]] std::vector<StaticFile> page_files();

}  // namespace likeness::serve
