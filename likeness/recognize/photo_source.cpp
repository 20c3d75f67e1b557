#include "likeness/recognize/photo_source.h"

#include <stdexcept>
#include <utility>

#include "likeness/dataset/photo_folder.h"

namespace likeness {
namespace {

/// Gives `make(i)` for every i below `count`.
template <typename Make>
PhotoSource counted(std::size_t count, Make make) {
  return PhotoSource(
      [count, make = std::move(make), i = std::size_t{0}]() mutable {
        return i < count ? std::optional<Photo>(make(i++)) : std::nullopt;
      },
      count);
}

}  // namespace

Photo photo_of_file(std::filesystem::path file) {
  std::string id = file.string();
  return {.id = std::move(id), .content = std::move(file)};
}

Photo photo_of_bytes(std::string id, std::vector<std::byte> bytes) {
  const auto owner = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
  return {.id = std::move(id), .content = std::span(*owner), .owner = owner};
}

Photo photo_of_image(std::string id, Image image) {
  const auto owner = std::make_shared<const Image>(std::move(image));
  return {.id = std::move(id), .content = PixelView(owner->view()), .owner = owner};
}

PhotoSource::PhotoSource(Next next, std::optional<std::size_t> size) : next_(std::move(next)), size_(size) {
  if (!next_) throw std::invalid_argument("a source of photos needs a function that gives them");
}

PhotoSource PhotoSource::files(std::vector<std::filesystem::path> files) {
  const std::size_t count = files.size();
  return counted(count, [files = std::move(files)](std::size_t i) { return photo_of_file(files[i]); });
}

PhotoSource PhotoSource::list(std::vector<Photo> photos) {
  const std::size_t count = photos.size();
  // Moved out one by one, so that what a photo owns goes with it.
  return counted(count, [photos = std::move(photos)](std::size_t i) mutable { return std::move(photos[i]); });
}

std::optional<Photo> PhotoSource::next() {
  if (!next_) return std::nullopt;
  std::optional<Photo> photo = next_();
  if (!photo) next_ = nullptr;
  return photo;
}

PhotoSource photos_in(const std::filesystem::path& folder) { return PhotoSource::files(list_photos(folder)); }

}  // namespace likeness
