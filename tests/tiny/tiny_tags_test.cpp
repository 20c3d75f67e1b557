// Names in photos' XMP, there and back, on drawn people.
#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <iterator>
#include <map>

#include "likeness/core/atomic_file.h"
#include "likeness/gallery/memory_store.h"
#include "likeness/gallery/open.h"
#include "likeness/image/write_image.h"
#include "likeness/recognize/name_sidecars.h"
#include "likeness/recognize/tagged_photos.h"
#include "likeness/xmp/region_writer.h"
#include "likeness/xmp/sidecar.h"
#include "tests/tiny/tiny_world.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

std::string read_text(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Turns pixels so that Exif's `orientation` brings them back: by its definition, pixel by pixel.
Image stored_for(const Image& upright, int orientation) {
  const bool sideways = orientation >= 5;
  Image stored(sideways ? upright.height() : upright.width(), sideways ? upright.width() : upright.height());
  for (int y = 0; y < upright.height(); ++y) {
    for (int x = 0; x < upright.width(); ++x) {
      const RegionArea at = to_stored({(x + 0.5) / upright.width(), (y + 0.5) / upright.height(),
                                       (x + 0.5) / upright.width(), (y + 0.5) / upright.height()},
                                      orientation);
      const int to_x = static_cast<int>(at.left * stored.width());
      const int to_y = static_cast<int>(at.top * stored.height());
      std::copy_n(upright.view().row(y) + 3 * x, 3, stored.row(to_y) + 3 * to_x);
    }
  }
  return stored;
}

/// A JPEG with this orientation in its Exif, and this packet.
void write_jpeg(const fs::path& file, const Image& stored, int orientation, const std::string& xmp = "") {
  const std::vector<std::byte> jpeg = encode_jpeg(stored.view(), 95);
  std::string bytes(reinterpret_cast<const char*>(jpeg.data()), jpeg.size());
  const auto segment = [](const std::string& content) {
    const std::size_t length = content.size() + 2;
    return std::string("\xFF\xE1") + static_cast<char>(length >> 8) + static_cast<char>(length & 255) +
           content;
  };
  using namespace std::string_literals;
  std::string more = segment("Exif\0\0MM\0*\0\0\0\10\0\1\1\x12\0\3\0\0\0\1\0"s +
                             static_cast<char>(orientation) + "\0\0\0\0\0\0"s);
  if (!xmp.empty()) more += segment("http://ns.adobe.com/xap/1.0/\0"s + xmp);
  // Behind JFIF's segment, or at once.
  const std::size_t at = bytes.substr(2, 2) == "\xFF\xE0"s ? 4 + static_cast<unsigned char>(bytes[4]) * 256 +
                                                                 static_cast<unsigned char>(bytes[5])
                                                           : 2;
  bytes.insert(at, more);
  write_file(file, std::string_view(bytes));
}

class TinyTags : public testing::Test {
 protected:
  static const Recognizer& recognizer() {
    static const Recognizer one(
        likeness::Setup{.models = {tiny::packs()}, .model = tiny::kEmbedder, .threads = 2});
    return one;
  }
  static constexpr std::array<tiny::DrawnFace, 2> kTwo{tiny::DrawnFace{0, 80, 90, 70},
                                                       tiny::DrawnFace{1, 240, 90, 64}};
  static Image party() { return tiny::draw(kTwo, 320, 180, 3); }
  /// Regions for drawn faces, a little looser than what a detector finds.
  static FaceRegion region(const std::string& name, const tiny::DrawnFace& face, int orientation) {
    Box box = tiny::box_of(face);
    box.left -= 4;
    box.bottom += 4;
    return {name, to_stored(area_of(box, {320, 180}), orientation)};
  }
  static std::string packet(const std::vector<FaceRegion>& faces, int orientation) {
    return mark_faces("", "made", faces, orientation >= 5 ? ImageSize{180, 320} : ImageSize{320, 180}).text;
  }

  TagSummary add(const std::vector<fs::path>& photos) {
    told_.clear();
    return enrol_tagged(recognizer(), [this]() -> Gallery& { return gallery_; }, photos,
                        {.each = [this](const TaggedFace& face) { told_.push_back(face); }});
  }
  /// Left edge of each person's faces.
  std::map<std::string, float> places() const {
    std::map<std::string, float> places;
    for (const Person& person : gallery_.store().people()) {
      for (const StoredFace& face : gallery_.store().faces(person.id)) places[person.name] = face.box.left;
    }
    return places;
  }

  tiny::Folder folder_;
  Gallery gallery_{make_memory_store(recognizer().space())};
  std::vector<TaggedFace> told_;
};

TEST_F(TinyTags, EachNameIsItsFacesWhateverTheOrientation) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const fs::path photo = folder_.path() / (std::to_string(orientation) + ".jpg");
    const std::string ann = "Ann " + std::to_string(orientation), bob = "Bob " + std::to_string(orientation);
    write_jpeg(photo, stored_for(party(), orientation), orientation,
               packet({region(ann, kTwo[0], orientation), region(bob, kTwo[1], orientation)}, orientation));
    const TagSummary sum = add({photo});
    EXPECT_EQ(sum.enrolled, 2U) << orientation;
    EXPECT_NEAR(places()[ann], tiny::box_of(kTwo[0]).left, 12) << orientation;
    EXPECT_NEAR(places()[bob], tiny::box_of(kTwo[1]).left, 12) << orientation;
    EXPECT_EQ(add({photo}).known, 2U);
  }
}

TEST_F(TinyTags, LargeFilesAreReadAsSmallOnes) {
  const fs::path photo = folder_.path() / "a.jpg";
  write_jpeg(photo, party(), 1, packet({region("Ann", kTwo[0], 1), region("Bob", kTwo[1], 1)}, 1));
  const std::string small = read_text(photo);
  write_file(folder_.path() / "tail.jpg", std::string_view(small + std::string(2U << 20, '\0')));
  std::string comments;  // 1.3 MB before the packet
  for (int i = 0; i < 20; ++i) comments += "\xFF\xFE\xFF\xFF" + std::string(65533, 'c');
  write_file(folder_.path() / "front.jpg", std::string_view(small.substr(0, 2) + comments + small.substr(2)));
  for (const char* name : {"a.jpg", "tail.jpg", "front.jpg"})
    EXPECT_EQ(add({folder_.path() / name}).enrolled, 2U) << name;
}

TEST_F(TinyTags, RegionsOfTheUprightPhotoAreTakenWhereAllFit) {
  const fs::path photo = folder_.path() / "a.jpg";
  write_jpeg(photo, stored_for(party(), 6), 6,
             packet({region("Ann", kTwo[0], 1), region("Bob", kTwo[1], 1)}, 1));
  EXPECT_EQ(add({photo}).enrolled, 2U);
  EXPECT_LT(places()["Ann"], places()["Bob"]);
}

TEST_F(TinyTags, WhatIsNotEnrolledIsToldWithItsReason) {
  const fs::path photo = folder_.path() / "a.jpg";
  std::vector<FaceRegion> faces{region("Ann", kTwo[0], 1),
                                region("", kTwo[1], 1),
                                {"Nowhere", RegionArea{0.45, 0.8, 0.55, 0.99}},
                                region("unknown", kTwo[1], 1)};
  write_jpeg(photo, party(), 1, packet(faces, 1));
  write_jpeg(folder_.path() / "plain.jpg", party(), 1);
  write_jpeg(folder_.path() / "damaged.jpg", party(), 1, "<x:xmpmeta");
  write_file(folder_.path() / "none.jpg", std::string_view("no picture"));
  const TagSummary sum =
      add({folder_.path() / "damaged.jpg", folder_.path() / "none.jpg", photo, folder_.path() / "plain.jpg"});
  EXPECT_EQ(sum.photos, 4U);
  EXPECT_EQ(sum.tagged, 1U);
  EXPECT_EQ(sum.named, 3U);
  EXPECT_EQ(sum.unnamed, 1U);
  EXPECT_EQ(sum.enrolled, 1U);
  EXPECT_EQ(sum.unreadable, 2U);
  ASSERT_EQ(told_.size(), 5U);
  EXPECT_NE(told_[0].why.find("damaged.jpg: its XML is damaged"), std::string::npos);
  EXPECT_EQ(told_[1].status, TagStatus::kUnreadable);
  EXPECT_EQ(told_[2].status, TagStatus::kEnrolled);
  EXPECT_EQ(told_[3].status, TagStatus::kNoFaceThere);
  EXPECT_EQ(told_[4].status, TagStatus::kRefused);
}

TEST_F(TinyTags, ASidecarSaysItWhereThereIsOne) {
  const fs::path photo = folder_.path() / "a.jpg";
  write_jpeg(photo, stored_for(party(), 8), 8, packet({region("Old", kTwo[0], 8)}, 8));
  write_file(sidecar_of(photo), std::string_view(packet({region("New", kTwo[0], 8)}, 8)));
  EXPECT_EQ(add({photo}).enrolled, 1U);
  EXPECT_TRUE(gallery_.store().find_person("New"));
}

TEST_F(TinyTags, NamesGoBackAsSidecarsAndAreReadAgain) {
  const fs::path photo = folder_.path() / "in" / "a.jpg";
  fs::create_directories(folder_.path() / "in" / "deep");
  write_jpeg(photo, stored_for(party(), 6), 6);
  const fs::path portrait = folder_.path() / "in" / "deep" / "b.png";
  write_file(portrait, encode_png(tiny::portrait(2, 105).view()));
  // Enrolled by hand, and named later.
  recognizer().enrol(gallery_, "Cid", PhotoSource::files({portrait}), {});
  const auto found = recognizer().stream({.hash = true}).many(PhotoSource::files({photo}));
  for (std::size_t i = 0; i < found[0].chosen.size(); ++i) {
    const Face& face = found[0].faces[found[0].chosen[i]];
    const NewFace fresh{.photo = photo.string(),
                        .photo_hash = found[0].sha256,
                        .box = face.box,
                        .embedding = found[0].averaged[i]};
    gallery_.add_faces(face.box.left < 160 ? "Ann" : "Bob", {&fresh, 1});
  }
  std::vector<NamedPhoto> told;
  const auto write = [&](std::optional<fs::path> into) {
    told.clear();
    return write_name_sidecars(
        gallery_.store(),
        {.folder = std::move(into), .each = [&](const NamedPhoto& one) { told.push_back(one); }});
  };
  EXPECT_EQ(write({}).written, 2U);
  EXPECT_EQ(write({}).unchanged, 2U);
  EXPECT_EQ(write(folder_.path() / "out").written, 2U);
  EXPECT_TRUE(fs::exists(folder_.path() / "out" / "a.jpg.xmp"));
  EXPECT_TRUE(fs::exists(folder_.path() / "out" / "deep" / "b.png.xmp"));

  Gallery other(make_memory_store(recognizer().space()));
  const TagSummary sum =
      enrol_tagged(recognizer(), [&]() -> Gallery& { return other; }, {photo, portrait}, {});
  EXPECT_EQ(sum.enrolled, 3U);
  for (const char* name : {"Ann", "Bob", "Cid"}) {
    const auto before = gallery_.store().faces(gallery_.store().find_person(name)->id);
    const auto after = other.store().faces(other.store().find_person(name)->id);
    ASSERT_EQ(after.size(), 1U) << name;
    EXPECT_EQ(after[0].box, before[0].box) << name;
  }
  // Renamed here: what the sidecar says stays, and is told.
  gallery_.rename_person("Ann", "Anna");
  EXPECT_EQ(write({}).unchanged, 1U);
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].status, SidecarStatus::kOtherwise);
  EXPECT_EQ(told[0].why, "where Anna is, Ann is marked");
  // Another photo under the old name, and none.
  write_jpeg(photo, party(), 1);
  fs::remove(portrait);
  write({});
  EXPECT_EQ(told[0].status, SidecarStatus::kOtherPhoto);
  EXPECT_EQ(told[1].status, SidecarStatus::kNoPhoto);
}

TEST_F(TinyTags, AnAdobeSidecarIsAddedToUnlessItMayBeAnotherPhotos) {
  const fs::path photo = folder_.path() / "a.png", adobe = folder_.path() / "a.xmp";
  write_file(photo, encode_png(tiny::portrait(2, 105).view()));
  recognizer().enrol(gallery_, "Cid", PhotoSource::files({photo}), {});
  write_file(adobe,
             std::string_view(R"(<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>)"));
  const std::string before = read_text(adobe);
  write_file(folder_.path() / "a.jpg", std::string_view("another photo"));
  EXPECT_EQ(write_name_sidecars(gallery_.store(), {}).written, 1U);
  EXPECT_EQ(read_text(adobe), before);
  EXPECT_TRUE(fs::remove(sidecar_of(photo)));
  fs::remove(folder_.path() / "a.jpg");
  EXPECT_EQ(write_name_sidecars(gallery_.store(), {}).written, 1U);
  EXPECT_EQ(face_regions(read_text(adobe), "a").at(0).name, "Cid");
  EXPECT_FALSE(fs::exists(sidecar_of(photo)));
}

TEST_F(TinyTags, ANewSidecarHasWhatThePhotoSaid) {
  const fs::path photo = folder_.path() / "a.jpg";
  write_jpeg(photo, party(), 1, packet({region("Zoe", kTwo[1], 1)}, 1));
  const auto found = recognizer().stream({.hash = true}).many(PhotoSource::files({photo}));
  for (std::size_t i = 0; i < found[0].chosen.size(); ++i) {
    const Face& face = found[0].faces[found[0].chosen[i]];
    if (face.box.left > 160) continue;
    const NewFace fresh{.photo = photo.string(), .box = face.box, .embedding = found[0].averaged[i]};
    gallery_.add_faces("Ann", {&fresh, 1});
  }
  const auto names = [&] {
    std::vector<std::string> found_names;
    for (const FaceRegion& one : face_regions(read_text(sidecar_of(photo)), "a"))
      found_names.push_back(one.name);
    return found_names;
  };
  EXPECT_EQ(write_name_sidecars(gallery_.store(), {}).written, 1U);
  EXPECT_EQ(names(), (std::vector<std::string>{"Zoe", "Ann"}));
  // A sidecar that marks nobody would hide the photo's own names.
  write_file(sidecar_of(photo),
             std::string_view(R"(<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>)"));
  EXPECT_EQ(write_name_sidecars(gallery_.store(), {}).written, 1U);
  EXPECT_EQ(names(), (std::vector<std::string>{"Zoe", "Ann"}));
}

}  // namespace
}  // namespace likeness
