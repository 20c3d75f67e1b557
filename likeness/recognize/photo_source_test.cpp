#include "likeness/recognize/photo_source.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace likeness {
namespace {

TEST(PhotoSource, FilesComeInTheirOrderAndOnce) {
  PhotoSource source = PhotoSource::files({"b.jpg", "a.jpg"});
  EXPECT_EQ(source.size(), 2U);
  for (const char* name : {"b.jpg", "a.jpg"}) {
    const auto photo = source.next();
    ASSERT_TRUE(photo);
    EXPECT_EQ(photo->id, name);
    EXPECT_EQ(std::get<std::filesystem::path>(photo->content), name);
  }
  EXPECT_FALSE(source.next());
  EXPECT_FALSE(source.next());
}

TEST(PhotoSource, AFunctionIsNotAskedBehindItsEnd) {
  int calls = 0;
  PhotoSource source(
      [&]() -> std::optional<Photo> { return ++calls > 1 ? std::nullopt : std::optional(Photo{.id = "x"}); });
  EXPECT_FALSE(source.size());
  EXPECT_TRUE(source.next());
  EXPECT_FALSE(source.next());
  EXPECT_FALSE(source.next());
  EXPECT_EQ(calls, 2);
  EXPECT_THROW(PhotoSource(nullptr), std::invalid_argument);
}

TEST(PhotoSource, AListedPhotoOwnsItsContentUntilItIsGone) {
  std::weak_ptr<const void> owner;
  PhotoSource source = [&] {
    std::vector<Photo> photos{photo_of_bytes("a", {std::byte{1}, std::byte{2}}),
                              photo_of_image("b", Image(2, 1, 7))};
    owner = photos[0].owner;
    return PhotoSource::list(std::move(photos));
  }();
  {
    const auto photo = source.next();
    const auto bytes = std::get<std::span<const std::byte>>(photo->content);
    EXPECT_EQ(std::vector(bytes.begin(), bytes.end()), (std::vector{std::byte{1}, std::byte{2}}));
  }
  EXPECT_TRUE(owner.expired());  // and not only when the source is
  const auto picture = source.next();
  EXPECT_EQ(to_image(std::get<PixelView>(picture->content)), Image(2, 1, 7));
  EXPECT_FALSE(source.next());
}

}  // namespace
}  // namespace likeness
