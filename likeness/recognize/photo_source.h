#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "likeness/image/image.h"
#include "likeness/image/pixel_view.h"

namespace likeness {

/// A photo on its way in: where it lies, the bytes of its file, or its pixels.
struct Photo {
  std::string id;  ///< Names it in results and errors.
  std::variant<std::filesystem::path, std::span<const std::byte>, PixelView> content;
  /// Keeps alive what bytes or pixels point at; empty where they outlive the photo's result anyway.
  std::shared_ptr<const void> owner{};
  /// Of a frame: since its source began. Handed on as it is.
  std::optional<std::chrono::microseconds> time{};
};

/// Photos that own their content.
[[nodiscard]] Photo photo_of_file(std::filesystem::path file);  ///< Its id is the path.
[[nodiscard]] Photo photo_of_bytes(std::string id, std::vector<std::byte> bytes);
[[nodiscard]] Photo photo_of_image(std::string id, Image image);

/// Photos one after the other, as many as there are, from anywhere; for one thread at a time. Can be run
/// through once.
class PhotoSource {
 public:
  /// The next photo; empty: there are no more, and it is not called again.
  using Next = std::function<std::optional<Photo>()>;

  /// Photos that `next` gives; `size` of them, where that is known before.
  explicit PhotoSource(Next next, std::optional<std::size_t> size = std::nullopt);
  PhotoSource(PhotoSource&&) noexcept = default;
  PhotoSource& operator=(PhotoSource&&) noexcept = default;

  [[nodiscard]] static PhotoSource files(std::vector<std::filesystem::path> files);
  [[nodiscard]] static PhotoSource list(std::vector<Photo> photos);

  [[nodiscard]] std::optional<Photo> next();
  /// Photos from first to last; empty where nobody knows.
  [[nodiscard]] std::optional<std::size_t> size() const { return size_; }

 private:
  Next next_;  ///< Empty behind the last photo.
  std::optional<std::size_t> size_;
};

/// Every photo under `folder`, all levels deep (dataset/photo_folder.h). @throws Error kInputUnreadable.
[[nodiscard]] PhotoSource photos_in(const std::filesystem::path& folder);

}  // namespace likeness
