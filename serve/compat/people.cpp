#include "serve/compat/people.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <span>

#include "likeness/core/sha256.h"
#include "likeness/gallery/store_checks.h"
#include "likeness/gallery/undo.h"
#include "likeness/recognize/face_picture.h"
#include "serve/refusal.h"

namespace likeness::serve {
namespace {

std::string hexadecimal(std::uint64_t value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(16, '0');
  for (std::size_t i = 0; i < 16; ++i) text[15 - i] = kDigits[(value >> (4 * i)) & 15U];
  return text;
}

/// A UUID of version 8 (bits 48 to 51) and variant 2 (bits 64 and 65) around these bits.
std::string uuid_of(std::uint64_t high, std::uint64_t low) {
  high = (high & ~0xF000ULL) | 0x8000ULL;
  low = (low & ~(3ULL << 62)) | (2ULL << 62);
  const std::string digits = hexadecimal(high) + hexadecimal(low);
  return digits.substr(0, 8) + "-" + digits.substr(8, 4) + "-" + digits.substr(12, 4) + "-" +
         digits.substr(16, 4) + "-" + digits.substr(20);
}

std::uint64_t leading_bits(const std::string& digits, std::size_t from) {
  std::uint64_t value = 0;
  for (std::size_t i = from; i < from + 16 && i < digits.size(); ++i) {
    const char c = digits[i];
    value = value * 16 + static_cast<std::uint64_t>(c <= '9' ? c - '0' : c - 'a' + 10);
  }
  return value;
}

std::uint64_t gallery_bits(const GalleryStore& store) {
  const std::string identity = store.identity();
  return leading_bits(sha256(std::as_bytes(std::span(identity))), 0);
}

float area(const PhotoFaces& photo, std::size_t position) {
  const Box& box = photo.faces[photo.chosen[position]].box;
  return box.width() * box.height();
}

void tell_removed(const Visit& visit, std::int64_t person, std::int64_t faces) {
  visit.service.events().publish({"removed", visit.served.name, {{"person", person}, {"faces", faces}}});
}

}  // namespace

std::vector<std::size_t> largest_first(const PhotoFaces& photo, double min_score) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < photo.chosen.size(); ++i) {
    if (photo.faces[photo.chosen[i]].score >= min_score) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return area(photo, a) > area(photo, b); });
  return order;
}

std::vector<std::size_t> main_faces(const PhotoFaces& photo, double min_score) {
  constexpr float kCounts = 0.1F;
  std::vector<std::size_t> order = largest_first(photo, min_score);
  std::erase_if(order, [&, largest = order.empty() ? 0 : area(photo, order.front())](std::size_t i) {
    return area(photo, i) < kCounts * largest;
  });
  return order;
}

Embeddings row_of(const Embeddings& embeddings, std::size_t i) {
  const auto row = embeddings[i];
  return {embeddings.dimension, {row.begin(), row.end()}};
}

std::vector<std::vector<Candidate>> candidates(const GalleryView& view, const NamingRule& rule,
                                               const Embeddings& queries, std::size_t count) {
  std::vector<std::vector<Candidate>> all;
  // Two at least: where the first is rejected the next one stands before.
  auto found = view.search(queries, std::max<std::size_t>(count, view.has_rejections() ? count + 8 : 1));
  for (std::size_t i = 0; i < found.size(); ++i) {
    std::vector<Candidate> accepted;
    std::vector<Candidate> rejected;
    for (PersonMatch& match : found[i]) {
      const bool no = view.has_rejections() && is_rejected(view, queries[i], match);
      const bool named = !no && rule.name(std::span(&match, 1)).name.has_value();
      const double sure = no ? 0 : probability_of(rule, match.similarity);
      (no ? rejected : accepted).push_back({std::move(match), named, sure});
    }
    std::move(rejected.begin(), rejected.end(), std::back_inserter(accepted));
    if (accepted.size() > count) accepted.resize(count);
    all.push_back(std::move(accepted));
  }
  return all;
}

std::size_t tell_searched(const Visit& visit, const PhotoFaces* photo,
                          const std::vector<std::vector<Candidate>>& found, const Embeddings& queries,
                          const GalleryView& view, const NamingRule& rule) {
  std::vector<SearchedFace> faces;
  for (std::size_t i = 0; i < found.size(); ++i) {
    SearchedFace face;
    if (photo != nullptr) face.box = photo->faces[photo->chosen[i]].box;
    if (!found[i].empty()) {
      const Candidate& first = found[i].front();
      face.confidence = first.probability;
      if (first.named) face.match = first.match;
    }
    faces.push_back(std::move(face));
  }
  if (photo != nullptr && visit.service.keeps_unknown() && !view.stale())
    visit.service.remember_unknown(visit.served, *photo, identify(view, rule, queries));
  return tell_searched(visit.service, visit.served, std::nullopt, faces, photo);
}

std::string checked(const std::string& name) {
  try {
    return checked_name(name);
  } catch (const std::invalid_argument& error) {
    throw Refusal(400, "bad_name", error.what(), "subject");
  }
}

EnrolledFace enrol_face(const Visit& visit, const std::string& person, const PhotoFaces& photo,
                        std::size_t position, Review review, const std::string& words) {
  const std::string name = checked(person);
  const Face& detected = photo.faces[photo.chosen[position]];
  EnrolledFace result{.quality = measure_quality(detected, photo.chips[position])};
  result.findings = review_face(result.quality, 1, review);
  result.refused = std::any_of(result.findings.begin(), result.findings.end(),
                               [](const ReviewFinding& finding) { return finding.refuse; });
  if (result.refused) {
    visit.service.metrics().count_enrolled(to_string(EnrolStatus::kRefused));
    return result;
  }
  std::vector<std::byte> crop;
  if (visit.service.keeps_crops()) crop = picture_of(photo.chips[position]);
  const NewFace face{.photo = words,
                     .photo_hash = photo.sha256,
                     .photo_size = {photo.width, photo.height},
                     .box = detected.box,
                     .landmarks = detected.landmarks,
                     .quality = result.quality,
                     .embedding = photo.averaged[position],
                     .crop = crop};
  const AddedFace added = visit.served.gallery->add_faces(name, std::span(&face, 1)).at(0);
  result.face = added.id;
  result.is_new = added.is_new;
  result.person = added.person;
  visit.service.metrics().count_enrolled(
      to_string(added.is_new ? EnrolStatus::kEnrolled : EnrolStatus::kKnown));
  if (const auto stored = visit.served.gallery->store().find_person(added.person))
    result.person_id = stored->id;
  if (added.is_new)
    visit.service.events().publish(
        {"enrolled", visit.served.name, {{"person", result.person_id}, {"faces", 1}}});
  return result;
}

std::int64_t remove_person(const Visit& visit, const Person& person) {
  const std::lock_guard lock(visit.served.changing);
  UndoLog(*visit.served.gallery).remove_person(person.name);
  visit.served.gallery->purge();
  tell_removed(visit, person.id, person.faces);
  return person.faces;
}

std::int64_t remove_faces(const Visit& visit, const std::vector<StoredFace>& faces) {
  if (faces.empty()) return 0;
  const std::lock_guard lock(visit.served.changing);
  Gallery& gallery = *visit.served.gallery;
  std::map<std::int64_t, std::vector<std::int64_t>> by_person;
  for (const StoredFace& face : faces) by_person[face.person].push_back(face.id);
  std::int64_t removed = 0;
  for (const auto& [id, ids] : by_person) {
    const auto person = gallery.store().find_person(id);
    if (!person) continue;
    std::int64_t gone = 0;
    if (static_cast<std::int64_t>(ids.size()) == person->faces) {
      // With the last face the name goes, of what can be undone too.
      if (UndoLog(gallery).remove_person(person->name)) gone = person->faces;
    } else {
      for (const std::int64_t face : ids) gone += gallery.remove_face(face) ? 1 : 0;
    }
    removed += gone;
    tell_removed(visit, id, gone);
  }
  gallery.purge();
  return removed;
}

std::int64_t remove_everybody(const Visit& visit) {
  const std::lock_guard lock(visit.served.changing);
  Gallery& gallery = *visit.served.gallery;
  std::int64_t removed = 0;
  for (const Person& person : gallery.store().people()) {
    if (!UndoLog(gallery).remove_person(person.name)) continue;
    removed += person.faces;
    tell_removed(visit, person.id, person.faces);
  }
  if (removed > 0) gallery.purge();
  return removed;
}

std::string uuid_of_face(const GalleryStore& store, std::int64_t face) {
  return uuid_of(gallery_bits(store), static_cast<std::uint64_t>(face));
}

std::optional<std::int64_t> face_of_uuid(const GalleryStore& store, std::string_view uuid) {
  std::string digits;
  for (const char c : uuid) {
    if (c == '-') continue;
    const bool letter = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (!letter && !(c >= '0' && c <= '9')) return std::nullopt;
    digits.push_back(letter ? static_cast<char>(c | 0x20) : c);
  }
  if (digits.size() != 32) return std::nullopt;
  const auto face = static_cast<std::int64_t>(leading_bits(digits, 16) & ~(3ULL << 62));
  if (uuid_of_face(store, face).substr(0, 18) !=
          digits.substr(0, 8) + "-" + digits.substr(8, 4) + "-" + digits.substr(12, 4) ||
      digits[16] < '8' || digits[16] > 'b')
    return std::nullopt;
  return face;
}

std::string uuid_of_photo(const std::string& sha256_digits) {
  return uuid_of(leading_bits(sha256_digits, 0), leading_bits(sha256_digits, 16));
}

}  // namespace likeness::serve
