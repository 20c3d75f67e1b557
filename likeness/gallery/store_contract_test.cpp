// What every store does, wherever it is.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <initializer_list>
#include <map>
#include <optional>
#include <stdexcept>
#include <thread>

#include "likeness/embed/embeddings.h"
#include "likeness/gallery/store_testing.h"
#include "likeness/gallery/synthetic.h"
#include "likeness/gallery/tested_gallery.h"

namespace likeness {
namespace {

const EmbeddingSpace kSpace{
    .contract = "{}", .contract_id = "test-model", .precision = "f32", .dimension = 64};

class AnyStore : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    gallery_ = tested_gallery(GetParam());
    if (!gallery_) GTEST_SKIP() << "no server for " << GetParam();
  }

  std::shared_ptr<GalleryStore> make(EmbeddingFormat format = EmbeddingFormat::kF32) {
    return gallery_->make(kSpace, format);
  }
  /// As somebody else sees it.
  std::shared_ptr<GalleryStore> again(const std::shared_ptr<GalleryStore>& store) {
    std::shared_ptr<GalleryStore> other = gallery_->open(true);
    return other ? other : store;
  }
  AddedFace add(GalleryStore& store, const std::string& name, std::size_t row, int photo) {
    const NewFace face = face_of(faces_[row], photo);
    return store.add_faces(name, std::span(&face, 1)).at(0);
  }

  std::unique_ptr<TestedGallery> gallery_;
  Embeddings faces_ = synthetic_faces(10, 3, 64, 7);
};

INSTANTIATE_TEST_SUITE_P(Stores, AnyStore, ::testing::ValuesIn(tested_kinds()),
                         [](const auto& kind) { return kind.param; });

TEST_P(AnyStore, GivesBackWhatWasEnrolled) {
  const auto made = make();
  const auto added = add(*made, "Ada", 0, 1);
  EXPECT_TRUE(added.is_new);
  const auto store = again(made);
  EXPECT_EQ(store->space().contract_id, "test-model");
  const auto people = store->people();
  ASSERT_EQ(people.size(), 1U);
  EXPECT_EQ(people[0].name, "Ada");
  EXPECT_EQ(people[0].faces, 1);
  const auto faces = store->faces(people[0].id);
  ASSERT_EQ(faces.size(), 1U);
  EXPECT_EQ(faces[0].id, added.id);
  EXPECT_EQ(faces[0].photo, "photos/1.jpg");
  EXPECT_EQ(faces[0].photo_hash, hash_of(1));
  EXPECT_EQ(faces[0].photo_size, (ImageSize{640, 480}));
  EXPECT_EQ(faces[0].box, (Box{10, 20, 110, 150.5F}));
  EXPECT_EQ(faces[0].landmarks[0], (Point{40, 60}));
  EXPECT_EQ(faces[0].quality.sharpness, 250);
  EXPECT_GT(faces[0].added_ms, 1'600'000'000'000);
  const std::vector<float> values = store->embedding(added.id);
  ASSERT_EQ(values.size(), faces_[0].size());
  for (std::size_t i = 0; i < values.size(); ++i)
    EXPECT_NEAR(values[i], faces_[0][i], gallery_->rounding() * std::abs(faces_[0][i])) << i;
  EXPECT_TRUE(store->check().empty());
}

/// As where the clock is set back between changes, and where those who write have different ones.
TEST_P(AnyStore, ChangesAreInTheOrderOfTheirVersionsWhateverTheClockSays) {
  const auto store = make();
  constexpr std::int64_t kTimes[] = {1'800'000'000'000, 5, 1'700'000'000'000, 4'000'000'000'000};
  std::vector<std::int64_t> ids;
  for (int i = 0; i < 4; ++i) {
    NewFace face = face_of(faces_[static_cast<std::size_t>(i)], i + 1);
    face.added_ms = kTimes[i];
    ids.push_back(store->add_faces("Ada", std::span(&face, 1)).at(0).id);
    EXPECT_EQ(store->version(), static_cast<std::uint64_t>(i) + 1);
  }
  EXPECT_TRUE(std::ranges::is_sorted(ids));
  const auto changes = again(store)->changes_since(1);
  ASSERT_TRUE(changes);
  ASSERT_EQ(changes->faces.size(), 3U);
  const auto faces = store->faces();
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(faces.at(i).id, ids[i]);
    EXPECT_EQ(faces.at(i).added_ms, kTimes[i]);
    if (i > 0) {
      EXPECT_EQ(changes->faces[i - 1].face, ids[i]);
    }
  }
  EXPECT_TRUE(store->check().empty());
}

TEST_P(AnyStore, NoticesTheSamePhotoTwice) {
  const auto store = make();
  const auto first = add(*store, "Ada", 0, 1);
  const auto again = add(*store, "Bob", 0, 1);
  EXPECT_FALSE(again.is_new);
  EXPECT_EQ(again.id, first.id);
  EXPECT_EQ(again.person, "Ada");
  EXPECT_FALSE(store->find_person("Bob"));  // nobody is made for a face that is not added
  NewFace other_box = face_of(faces_[1], 1);
  other_box.box.left = 200;
  const auto neighbour = store->add_faces("Bob", std::span(&other_box, 1)).at(0);
  EXPECT_TRUE(neighbour.is_new);
  EXPECT_TRUE(neighbour.photo_known);
}

TEST_P(AnyStore, AFaceLearnsItsPhotosSizeWhenThePhotoComesAgain) {
  const auto store = make();
  NewFace both[] = {face_of(faces_[0], 1), face_of(faces_[1], 1)};
  both[1].box.left = 200;
  for (NewFace& face : both) face.photo_size = {};
  store->add_faces("Ada", both);
  const auto other = add(*store, "Eve", 4, 2);
  const auto version = store->version();
  EXPECT_EQ(store->faces_of_photo(hash_of(1)).at(0).photo_size, ImageSize{});
  EXPECT_FALSE(add(*store, "Bob", 0, 1).is_new);
  for (const StoredFace& face : again(store)->faces_of_photo(hash_of(1)))
    EXPECT_EQ(face.photo_size, (ImageSize{640, 480})) << face.id;
  EXPECT_EQ(store->version(), version);
  both[0].photo_size = {1, 1};  // what is known stays
  store->add_faces("Ada", std::span(both).first(1));
  EXPECT_EQ(store->faces_of_photo(hash_of(1)).at(0).photo_size, (ImageSize{640, 480}));
  EXPECT_EQ(store->find_face(other.id)->photo_size, (ImageSize{640, 480}));
  both[0].photo_size = {640, 0};
  EXPECT_THROW(store->add_faces("Ada", both), std::invalid_argument);
}

TEST_P(AnyStore, KeepsThePictureOfAFaceAsLongAsTheFace) {
  const auto store = make();
  std::vector<std::byte> crop(5000, std::byte{0x5A});
  NewFace face = face_of(faces_[0], 1);
  face.crop = crop;
  const std::int64_t with = store->add_faces("Ada", std::span(&face, 1)).at(0).id;
  const std::int64_t without = add(*store, "Ada", 1, 2).id;
  EXPECT_EQ(again(store)->crop(with), crop);
  EXPECT_TRUE(again(store)->find_face(with)->has_crop);
  EXPECT_TRUE(store->crop(without).empty());
  EXPECT_FALSE(store->find_face(without)->has_crop);
  EXPECT_TRUE(store->check().empty());
  EXPECT_EQ(store->move_faces(std::span(&with, 1), "Bob").size(), 1U);
  EXPECT_EQ(store->crop(with), crop);
  EXPECT_TRUE(store->remove_person("Bob"));
  EXPECT_TRUE(store->crop(with).empty());
  crop.resize(kMostCropBytes + 1);
  face.crop = crop;
  EXPECT_THROW(store->add_faces("Eve", std::span(&face, 1)), std::invalid_argument);
  EXPECT_FALSE(store->find_person("Eve"));
}

TEST_P(AnyStore, KnowsAFaceWhateverRoadItComesBy) {
  for (const EmbeddingFormat format : {EmbeddingFormat::kF32, EmbeddingFormat::kInt8}) {
    const auto store = make(format);
    NewFace bare;  // as an .npz of embeddings and names has it
    bare.embedding = faces_[0];
    EXPECT_TRUE(store->add_faces("Ada", std::span(&bare, 1)).at(0).is_new);
    EXPECT_FALSE(store->add_faces("Ada", std::span(&bare, 1)).at(0).is_new);
    const NewFace twice[] = {face_of(faces_[0], 1), face_of(faces_[1], 2)};  // now with its photo
    auto added = store->add_faces("Ada", twice);
    EXPECT_FALSE(added[0].is_new);
    EXPECT_TRUE(added[1].is_new);
    // And the other way round, within rounding.
    Embeddings rounded{64, {faces_[1].begin(), faces_[1].end()}};
    for (float& value : rounded.values) value += 2e-5F;
    l2_normalize(rounded);
    bare.embedding = rounded[0];
    added = store->add_faces("Ada", std::span(&bare, 1));
    EXPECT_FALSE(added[0].is_new);
    EXPECT_EQ(store->find_face(added[0].id)->photo, "photos/2.jpg");
    // Another cut of the same face of the same photo; whoever it is given as.
    NewFace moved = face_of(rounded[0], 2);
    moved.box.left += 1;
    added = store->add_faces("Bob", std::span(&moved, 1));
    EXPECT_FALSE(added[0].is_new);
    EXPECT_EQ(added[0].person, "Ada");
    // Somebody else's numbers without a photo are a face of theirs, and so is another photo's.
    EXPECT_TRUE(store->add_faces("Eve", std::span(&bare, 1)).at(0).is_new);
    EXPECT_TRUE(add(*store, "Ada", 2, 3).is_new);
    // Twice within one call.
    bare.embedding = faces_[3];
    const NewFace both[] = {bare, bare};
    added = store->add_faces("Cy", both);
    EXPECT_TRUE(added[0].is_new);
    EXPECT_FALSE(added[1].is_new);
    EXPECT_EQ(added[1].id, added[0].id);
    EXPECT_EQ(store->face_count(), 5);
  }
}

TEST_P(AnyStore, EnrolsManyAtOnceAsOneByOne) {
  const auto store = make();
  const std::vector<std::byte> crop(200, std::byte{3});
  std::vector<Enrolment> many;
  for (int i = 0; i < 24; ++i) {
    many.push_back({"P" + std::to_string(i % 5), face_of(faces_[static_cast<std::size_t>(i)], i + 1)});
    if (i == 3) many.back().face.crop = crop;
    many.back().face.added_ms = 1'700'000'000'000 + i;
  }
  const auto added = store->add_many(many);
  ASSERT_EQ(added.size(), 24U);
  const auto version = store->version();
  EXPECT_GE(version, 1U);
  const auto changes = again(store)->changes_since(0);
  ASSERT_TRUE(changes);
  EXPECT_EQ(changes->faces.size(), 24U);
  for (std::size_t i = 0; i < added.size(); ++i) {
    EXPECT_TRUE(added[i].is_new);
    EXPECT_EQ(added[i].person, many[i].person);
    const auto face = store->find_face(added[i].id);
    ASSERT_TRUE(face);
    EXPECT_EQ(face->photo_hash, many[i].face.photo_hash);
    EXPECT_EQ(face->added_ms, many[i].face.added_ms);
    EXPECT_EQ(face->has_crop, i == 3);
    EXPECT_EQ(face->person, store->find_person(many[i].person)->id);
    EXPECT_NEAR(dot(store->embedding(face->id), faces_[i]), 1, 1e-6 + gallery_->rounding());
  }
  EXPECT_EQ(store->crop(added[3].id), crop);
  EXPECT_EQ(store->people().size(), 5U);
  for (const AddedFace& one : store->add_many(many)) EXPECT_FALSE(one.is_new);
  EXPECT_EQ(store->version(), version);
  // More of people who are there, some known.
  for (std::size_t i = 0; i < 24; ++i)
    if (i % 2 == 0) many[i].face.photo_hash = hash_of(100 + static_cast<int>(i));
  const auto more = store->add_many(many);
  EXPECT_EQ(std::ranges::count(more, true, &AddedFace::is_new), 12);
  EXPECT_EQ(store->face_count(), 36);
  for (std::size_t i = 0; i < 24; ++i) many[i].face.photo_hash = hash_of(200 + static_cast<int>(i));
  EXPECT_EQ(std::ranges::count(store->add_many(many), true, &AddedFace::is_new), 24);
  many[5].person = "unknown";
  EXPECT_THROW(store->add_many(many), std::invalid_argument);
  EXPECT_EQ(store->face_count(), 60);
  EXPECT_TRUE(store->check().empty());
}

TEST_P(AnyStore, RemovesRenamesAndMerges) {
  const auto store = make();
  add(*store, "Ada", 0, 1);
  add(*store, "Ada", 1, 2);
  const auto bob = add(*store, "Bob", 3, 3);
  add(*store, "Eve", 6, 4);
  const auto version = store->version();
  EXPECT_TRUE(store->rename_person("Eve", "Eva"));
  EXPECT_NE(store->version(), version);
  EXPECT_FALSE(store->rename_person("Eve", "Eva"));
  expect_error(ErrorCode::kDataInvalid, "use merge", [&] { store->rename_person("Eva", "Bob"); });
  EXPECT_TRUE(store->merge_people("Bob", "Ada"));
  EXPECT_FALSE(store->merge_people("Bob", "Ada"));
  EXPECT_EQ(store->find_person("Ada")->faces, 3);
  EXPECT_EQ(store->find_face(bob.id)->person, store->find_person("Ada")->id);
  EXPECT_TRUE(store->remove_face(bob.id));
  EXPECT_FALSE(store->remove_face(bob.id));
  EXPECT_EQ(store->owners().size(), 3U);
  EXPECT_TRUE(store->remove_person("Ada"));
  EXPECT_FALSE(store->remove_person("Ada"));
  EXPECT_EQ(store->face_count(), 1);
  EXPECT_TRUE(store->remove_face(store->owners()[0].face));
  EXPECT_TRUE(store->people().empty());  // the last face takes the person along
  EXPECT_TRUE(store->check().empty());
}

TEST_P(AnyStore, OfAFaceThatBothHaveOneIsLeftByMerging) {
  for (const EmbeddingFormat format : {EmbeddingFormat::kF32, EmbeddingFormat::kInt8}) {
    const auto store = make(format);
    const auto bare = [&](const std::string& name, std::size_t row) {
      NewFace face;
      face.embedding = faces_[row];
      return store->add_faces(name, std::span(&face, 1)).at(0).id;
    };
    const auto older = bare("Ada", 0);
    const auto of_photo = add(*store, "Ada", 1, 1).id;
    const auto without = bare("Ada", 2);
    const auto younger = bare("Annie", 0);
    const auto bare_of_photo = bare("Annie", 1);
    const auto with = add(*store, "Annie", 2, 2).id;
    const auto own = bare("Annie", 4);
    NewFace neighbour = face_of(faces_[5], 1);  // another face of Ada's photo
    neighbour.box.left = 200;
    const auto beside = store->add_faces("Annie", std::span(&neighbour, 1)).at(0).id;
    const auto version = store->version();
    EXPECT_TRUE(store->merge_people("Annie", "Ada"));
    std::vector<std::int64_t> left;
    for (const StoredFace& face : store->faces(store->find_person("Ada")->id)) left.push_back(face.id);
    EXPECT_EQ(left, (std::vector<std::int64_t>{older, of_photo, with, own, beside}));
    EXPECT_EQ(store->face_count(), 5);
    const auto changes = store->changes_since(version);
    ASSERT_TRUE(changes);
    EXPECT_EQ(changes->version, version + 1);
    std::map<std::int64_t, std::optional<std::int64_t>> became;
    for (const FaceChange& change : changes->faces) became[change.face] = change.person;
    const auto ada = std::optional(store->find_person("Ada")->id);
    EXPECT_EQ(became, (std::map<std::int64_t, std::optional<std::int64_t>>{{without, std::nullopt},
                                                                           {younger, std::nullopt},
                                                                           {bare_of_photo, std::nullopt},
                                                                           {with, ada},
                                                                           {own, ada},
                                                                           {beside, ada}}));
    EXPECT_TRUE(store->check().empty());
  }
}

TEST_P(AnyStore, FacesMoveTogetherToOneWhoIsThereOrNew) {
  const auto store = make();
  const auto a0 = add(*store, "Ada", 0, 1).id;
  const auto a1 = add(*store, "Ada", 1, 2).id;
  const auto b0 = add(*store, "Bob", 3, 3).id;
  const auto e0 = add(*store, "Eve", 6, 4).id;
  const auto ids = [](std::initializer_list<std::int64_t> list) { return std::vector<std::int64_t>(list); };
  auto version = store->version();
  // To somebody new, from two people; one of them had no other face.
  EXPECT_EQ(store->move_faces(ids({b0, a1, 99, a1}), " Cy "), ids({a1, b0}));
  EXPECT_EQ(store->version(), version + 1);
  const auto cy = store->find_person("Cy");
  ASSERT_TRUE(cy);
  EXPECT_EQ(cy->faces, 2);
  EXPECT_FALSE(store->find_person("Bob"));
  EXPECT_EQ(store->find_person("Ada")->faces, 1);
  const auto changes = store->changes_since(version);
  ASSERT_TRUE(changes);
  ASSERT_EQ(changes->faces.size(), 2U);
  for (const FaceChange& change : changes->faces) EXPECT_EQ(change.person, cy->id);
  // To somebody who is there; what is his or hers already stays.
  EXPECT_EQ(store->move_faces(ids({a1, e0}), "Eve"), ids({a1}));
  EXPECT_EQ(store->find_face(a1)->person, store->find_person("Eve")->id);
  // Nothing to move: nobody is made, nothing counts as changed.
  version = store->version();
  EXPECT_TRUE(store->move_faces(ids({99}), "Dan").empty());
  EXPECT_TRUE(store->move_faces({}, "Dan").empty());
  EXPECT_TRUE(store->move_faces(ids({e0}), "Eve").empty());
  EXPECT_FALSE(store->find_person("Dan"));
  EXPECT_EQ(store->version(), version);
  EXPECT_THROW(store->move_faces(ids({a0}), "unknown"), std::invalid_argument);
  // A face that the person has without its photo: the one with the photo stays.
  NewFace bare;
  bare.embedding = faces_[0];
  const auto of_eve = store->add_faces("Eve", std::span(&bare, 1)).at(0);
  EXPECT_TRUE(of_eve.is_new);
  EXPECT_EQ(store->move_faces(ids({a0}), "Eve"), ids({a0}));
  EXPECT_FALSE(store->find_face(of_eve.id));
  // And the other way round: it goes, and its owner with it.
  const auto of_dan = store->add_faces("Dan", std::span(&bare, 1)).at(0);
  EXPECT_TRUE(of_dan.is_new);
  EXPECT_TRUE(store->move_faces(ids({of_dan.id}), "Eve").empty());
  EXPECT_FALSE(store->find_face(of_dan.id));
  EXPECT_FALSE(store->find_person("Dan"));
  EXPECT_EQ(store->face_count(), 4);
  EXPECT_TRUE(store->check().empty());
}

TEST_P(AnyStore, NamesThatLookAlikeAreOne) {
  const std::string composed = "Jos\u00e9";
  const std::string decomposed = "Jose\u0301";
  const auto store = make();
  add(*store, decomposed, 0, 1);
  EXPECT_EQ(add(*store, composed + " ", 1, 2).person, composed);
  add(*store, " Ann\u00a0", 3, 3);
  ASSERT_EQ(store->people().size(), 2U);
  EXPECT_EQ(store->people()[0].name, "Ann");
  EXPECT_EQ(store->people()[1].name, composed);
  EXPECT_EQ(store->people()[1].faces, 2);
  EXPECT_EQ(store->find_person(decomposed)->id, store->find_person(composed)->id);
  EXPECT_TRUE(store->rename_person(decomposed, "\tJose\u0301 "));  // as he is called
  EXPECT_EQ(store->people()[1].name, composed);
  expect_error(ErrorCode::kDataInvalid, "use merge", [&] { store->rename_person("Ann ", decomposed); });
  EXPECT_TRUE(store->merge_people("Ann ", decomposed));
  EXPECT_EQ(store->find_person(composed)->faces, 3);
  for (const char* blank : {"", " ", "\t", "\u3000", "unknown ", "  unknown"}) {
    const NewFace face = face_of(faces_[6], 6);
    EXPECT_THROW(store->add_faces(blank, std::span(&face, 1)), std::invalid_argument) << blank;
    EXPECT_THROW(store->rename_person(composed, blank), std::invalid_argument) << blank;
  }
  EXPECT_TRUE(store->remove_person(decomposed));
  EXPECT_TRUE(store->people().empty());
}

TEST_P(AnyStore, NeverUsesAnIdTwice) {
  const auto store = make();
  const auto first = add(*store, "Ada", 0, 1);
  store->remove_person("Ada");
  EXPECT_GT(add(*store, "Ada", 0, 1).id, first.id);
}

TEST_P(AnyStore, ReadsEmbeddingsInOrderAndAfterAnId) {
  const auto store = make(EmbeddingFormat::kInt8);
  std::vector<std::int64_t> ids;
  for (int i = 0; i < 6; ++i)
    ids.push_back(add(*store, i < 3 ? "Ada" : "Bob", static_cast<std::size_t>(i), i + 1).id);
  std::vector<std::int64_t> seen;
  store->read_embeddings(ids[1], [&](FaceOwner owner, std::span<const float> values) {
    EXPECT_GT(dot(values, faces_[seen.size() + 2]), 0.999);
    seen.push_back(owner.face);
  });
  EXPECT_EQ(seen, std::vector(ids.begin() + 2, ids.end()));
}

TEST_P(AnyStore, RefusesBadNamesAndVectors) {
  const auto store = make();
  const NewFace good = face_of(faces_[0], 1);
  EXPECT_THROW(store->add_faces("", std::span(&good, 1)), std::invalid_argument);
  EXPECT_THROW(store->add_faces("unknown", std::span(&good, 1)), std::invalid_argument);
  EXPECT_THROW(store->add_faces("a\nb", std::span(&good, 1)), std::invalid_argument);
  const std::vector<float> longer(64, 1.0F);
  const NewFace not_unit = face_of(longer, 1);
  EXPECT_THROW(store->add_faces("Ada", std::span(&not_unit, 1)), std::invalid_argument);
  const NewFace shorter = face_of(faces_[0].first(63), 1);
  EXPECT_THROW(store->add_faces("Ada", std::span(&shorter, 1)), std::invalid_argument);
}

TEST_P(AnyStore, CountsChangesOfPeopleAndNotesApart) {
  const auto store = make();
  EXPECT_EQ(store->version(), 0U);
  const NewFace two[] = {face_of(faces_[0], 1), face_of(faces_[1], 2)};
  store->add_faces("Ada", two);  // one call, one change
  EXPECT_EQ(again(store)->version(), 1U);
  add(*store, "Ada", 0, 1);  // known: nothing changes
  EXPECT_FALSE(store->remove_person("Eve"));
  EXPECT_FALSE(store->remove_face(99));
  EXPECT_FALSE(store->merge_people("Eve", "Ada"));
  EXPECT_EQ(store->version(), 1U);
  const auto notes = store->note_version();
  store->set_note("calibration", "x");
  EXPECT_NE(store->note_version(), notes);
  EXPECT_EQ(store->note("calibration"), "x");
  EXPECT_EQ(store->version(), 1U);
  store->rename_person("Ada", "Eva");
  EXPECT_EQ(store->version(), 2U);
  const auto after = store->note_version();
  add(*store, "Bob", 3, 3);
  store->merge_people("Bob", "Eva");
  store->remove_person("Eva");
  EXPECT_EQ(again(store)->version(), 5U);
  EXPECT_EQ(store->note_version(), after);
}

TEST_P(AnyStore, TellsWhatHasChangedSince) {
  const auto store = make();
  const auto changes = [&](std::uint64_t version) {
    std::vector<std::pair<std::int64_t, std::int64_t>> told;  // 0: gone
    const auto since = again(store)->changes_since(version);
    if (!since) return told;
    EXPECT_EQ(since->version, store->version());
    for (const FaceChange& one : since->faces) told.emplace_back(one.face, one.person.value_or(0));
    return told;
  };
  using Told = std::vector<std::pair<std::int64_t, std::int64_t>>;
  const auto first = add(*store, "Ada", 0, 1).id;
  const auto second = add(*store, "Bob", 3, 2).id;
  const auto ada = store->find_person("Ada")->id;
  const auto bob = store->find_person("Bob")->id;
  EXPECT_EQ(changes(0), (Told{{first, ada}, {second, bob}}));
  EXPECT_EQ(changes(1), (Told{{second, bob}}));
  EXPECT_EQ(changes(2), Told());
  store->merge_people("Bob", "Ada");
  EXPECT_EQ(changes(2), (Told{{second, ada}}));
  store->remove_face(first);
  store->remove_person("Ada");
  EXPECT_EQ(changes(3), (Told{{first, 0}, {second, 0}}));
  EXPECT_EQ(changes(0).size(), 5U);
  EXPECT_FALSE(store->changes_since(99));  // never was
}

TEST_P(AnyStore, GivesManyFacesInOneCall) {
  const auto store = make();
  std::vector<std::int64_t> ids;
  for (int i = 0; i < 6; ++i)
    ids.push_back(add(*store, i < 3 ? "Ada" : "Bob", static_cast<std::size_t>(i), i + 1).id);
  store->remove_face(ids[1]);
  const std::vector<std::int64_t> asked{ids[4], ids[1], ids[0], 12345, ids[0]};  // one gone, one never there
  const auto evidence = store->evidence(asked);
  ASSERT_EQ(evidence.size(), 2U);
  EXPECT_EQ(evidence[0].face, ids[0]);
  EXPECT_EQ(evidence[0].name, "Ada");
  EXPECT_EQ(evidence[0].photo, "photos/1.jpg");
  EXPECT_EQ(evidence[1].face, ids[4]);
  EXPECT_EQ(evidence[1].person, store->find_person("Bob")->id);
  const auto found = store->embeddings(asked);
  ASSERT_EQ(found.faces.size(), 2U);
  EXPECT_EQ(found.faces[1].face, ids[4]);
  EXPECT_EQ(found.faces[1].person, store->find_person("Bob")->id);
  ASSERT_EQ(found.embeddings.size(), 2U);
  EXPECT_NEAR(dot(found.embeddings[1], faces_[4]), 1, 1e-6 + gallery_->rounding());
  const std::vector<std::int64_t> both{store->find_person("Bob")->id, store->find_person("Ada")->id, 777};
  const auto people = store->people(both);
  ASSERT_EQ(people.size(), 2U);
  EXPECT_EQ(people[0].name, "Ada");
  EXPECT_EQ(people[0].faces, 2);
  EXPECT_EQ(people[1].faces, 3);
  EXPECT_TRUE(store->evidence({}).empty());
  EXPECT_TRUE(store->embeddings({}).faces.empty());
}

TEST_P(AnyStore, GivesManyFacesInPieces) {
  constexpr std::size_t kCount = 2100;  // more than one piece, of any store
  const auto store = make();
  const Embeddings faces = synthetic_faces(kCount, 1, 64, 11);
  std::vector<Enrolment> many;
  for (std::size_t i = 0; i < kCount; ++i)
    many.push_back({"P" + std::to_string(i / 42), face_of(faces[i], static_cast<int>(i) + 1)});
  store->add_many(many);
  std::vector<FaceOwner> owners = store->owners();
  ASSERT_EQ(owners.size(), kCount);
  store->remove_face(owners[1].face);
  std::vector<FaceOwner> few;  // far from each other
  for (std::size_t i = 0; i < kCount; i += 7) few.push_back(owners[i]);
  for (const auto& asked : {owners, few}) {
    std::vector<std::int64_t> read;
    store->read_pieces(asked, [&](const FaceEmbeddings& piece) {
      ASSERT_EQ(piece.embeddings.size(), piece.faces.size());
      for (std::size_t i = 0; i < piece.faces.size(); ++i) {
        const auto place = static_cast<std::size_t>(piece.faces[i].face - owners[0].face);
        EXPECT_EQ(piece.faces[i].person, owners[place].person);
        EXPECT_NEAR(dot(piece.embeddings[i], faces[place]), 1, 1e-6 + gallery_->rounding());
        read.push_back(piece.faces[i].face);
      }
      EXPECT_EQ(store->face_count(), static_cast<std::int64_t>(kCount) - 1);
    });
    std::vector<std::int64_t> expected;
    for (const FaceOwner& one : asked) {
      if (one.face != owners[1].face) expected.push_back(one.face);
    }
    EXPECT_EQ(read, expected);
  }
  const auto refusing = [](const FaceEmbeddings&) { throw std::runtime_error("enough"); };
  EXPECT_THROW(store->read_pieces(owners, refusing), std::runtime_error);
  EXPECT_EQ(store->names().size(), 50U);
}

TEST_P(AnyStore, IsSharedByThreads) {
  const auto store = make();
  std::atomic<bool> done = false;
  std::atomic<int> seen = 0;
  std::thread reader([&] {
    while (!done) {
      const auto people = store->people();
      for (const FaceOwner& owner : store->owners()) {
        const auto evidence = store->evidence(std::span(&owner.face, 1));
        EXPECT_TRUE(evidence.empty() || evidence[0].name[0] == 'W');
        ++seen;
      }
      store->read_embeddings(0, [&](FaceOwner face, std::span<const float> values) {
        EXPECT_EQ(values.size(), 64U);
        EXPECT_TRUE(store->find_face(face.face));  // the sink may ask
      });
    }
  });
  std::vector<std::thread> writers;
  for (int w = 0; w < 3; ++w) {
    writers.emplace_back([&, w] {
      for (int i = 0; i < 20; ++i)
        add(*store, "W" + std::to_string(w), static_cast<std::size_t>(i), 1 + w * 100 + i);
    });
  }
  for (std::thread& writer : writers) writer.join();
  done = true;
  reader.join();
  EXPECT_EQ(store->face_count(), 60);
  EXPECT_EQ(store->version(), 60U);
  EXPECT_TRUE(store->check().empty());
}

}  // namespace
}  // namespace likeness
