#include "likeness/gallery/gallery.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <utility>

#include "likeness/core/cache_folder.h"
#include "likeness/core/error.h"
#include "likeness/gallery/index_file.h"
#include "likeness/gallery/known_names.h"
#include "likeness/gallery/layer.h"
#include "likeness/gallery/rejections.h"
#include "likeness/gallery/shard_messages.h"
#include "likeness/gallery/sharded_faces.h"
#include "likeness/gallery/view_maker.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCalibrationNote = "calibration";
/// Faces that are read from the store faster than an index file is written anew.
constexpr std::size_t kFewFaces = 256;

}  // namespace

struct Gallery::State {
  State(std::unique_ptr<GalleryStore> opened, GalleryOptions given, std::unique_ptr<SearchIndex> index)
      : store(std::move(opened)),
        options(std::move(given)),
        given_index(std::move(index)),
        comparison(store->space().contract, store->name()),
        indexes(options.index, store->space().dimension, options.threads, given_index, options.shard.of) {
    if (options.shard.of == 0 || options.shard.number >= options.shard.of)
      throw std::invalid_argument("a shard is one of 0/n to (n - 1)/n");
    if (options.shards) {
      if (given_index || options.shard.of != 1)
        throw std::invalid_argument("whoever asks shards holds no faces");
      shards =
          std::make_shared<const ShardCaller>(options.shards, store->identity(), store->space().dimension);
    }
  }

  [[nodiscard]] std::shared_ptr<const GalleryView> current() const {
    const std::lock_guard lock(swapping);
    return view;
  }
  void notice(Notice::Code code, const std::string& text) const {
    if (options.notice) options.notice({code, text});
  }
  void refresh(const Progress& progress);
  void refresh_alone(const Progress& progress);
  struct Looked {
    std::shared_ptr<const GalleryView> view;
    bool reached;
  };
  [[nodiscard]] Looked look();
  /// What the store counts.
  struct Counts {
    std::uint64_t version;
    std::uint64_t note_version;
    std::uint64_t history;
    [[nodiscard]] bool are_of(const GalleryView& other) const {
      return other.version() == version && other.parts().note_version == note_version &&
             other.parts().history == history;
    }
  };
  [[nodiscard]] GalleryView::Parts next_parts(const GalleryView* old, const Counts& counts,
                                              const Progress& progress);
  void follow_names(GalleryView::Parts& parts, const GalleryView* old, const Changes* changes);
  void ask_elsewhere(GalleryView::Parts& parts) const;
  void read_everything(GalleryView::Parts& parts, const Progress& progress);
  void compare_everything(GalleryView::Parts& parts, const Progress& progress);
  [[nodiscard]] bool keeps_index() const {
    return !given_index && !shards && !store->encrypted() && !options.index_file.value_or("").empty() &&
           (store->remote() || options.shard.of == 1);
  }
  /// What the index file is of: a shard's is not taken for another's, nor for the whole gallery's.
  [[nodiscard]] std::string index_identity() const {
    return identity_of_index(store->identity(), options.shard);
  }
  [[nodiscard]] std::shared_ptr<const SearchIndex> kept_index(std::size_t faces);
  void keep_index(const GalleryView::Parts& parts);
  void save(const Layer& layer);
  void forget_index();
  void keep_index_anew();
  using VectorOf = std::function<std::vector<float>(std::int64_t)>;
  [[nodiscard]] bool agrees(const VectorOf& known, std::span<const FaceOwner> owners) const;
  void purge_index(const Progress& progress);

  const std::shared_ptr<GalleryStore> store;
  const GalleryOptions options;
  const std::shared_ptr<const SearchIndex> given_index;
  const Comparison comparison;
  const IndexMaker indexes;
  std::shared_ptr<const ShardCaller> shards;  // null where faces are held here

  std::atomic<std::uint64_t> own_changes = 0;  // made through this gallery
  std::mutex refreshing;                       // one makes the next view
  // Guarded by `refreshing`:
  const SearchIndex* kept = nullptr;  // of the oldest layer, once saved
  std::size_t kept_without = 0;       // faces of it that were left out
  bool forgotten = false;             // a face is gone since, and the file with it
  mutable std::mutex swapping;        // guards what follows, for a moment only
  std::shared_ptr<const GalleryView> view;
  std::uint64_t changes_seen = 0;  // by the view
};

void Gallery::State::refresh(const Progress& progress) {
  const std::lock_guard lock(refreshing);
  refresh_alone(progress);
}

/// With `refreshing` locked.
void Gallery::State::refresh_alone(const Progress& progress) {
  // What is counted is noted before that is read of which it is the count: what changes meanwhile is read
  // again next time.
  const std::uint64_t seen = own_changes;
  Counts counts{.version = store->version(), .note_version = store->note_version(), .history = 0};
  counts.history = store->history();  // of a connection that is there by now
  auto next = current();
  if (!next || !counts.are_of(*next))
    next = std::make_shared<const GalleryView>(next_parts(next.get(), counts, progress));
  const std::lock_guard swap(swapping);
  view = std::move(next);
  changes_seen = seen;
}

/// The view as it is now, or as it was where the store was not reached just now. GalleryView::stale() cannot
/// say that: it is what whoever asked last has found, and others ask meanwhile.
Gallery::State::Looked Gallery::State::look() {
  try {
    refresh({});
  } catch (const Error& error) {
    const auto last = current();
    if (error.code() != ErrorCode::kUnavailable || !last || !last->parts().names) throw;
    last->parts().names->stale = true;
    return {.view = last, .reached = false};
  }
  auto now = current();
  if (now->parts().names) now->parts().names->stale = false;
  return {.view = std::move(now), .reached = true};
}

GalleryView::Parts Gallery::State::next_parts(const GalleryView* old, const Counts& counts,
                                              const Progress& progress) {
  GalleryView::Parts parts;
  if (old) {
    parts = old->parts();
  } else {
    parts.store = store;
    parts.comparison = comparison;
    if (store->remote() || shards) parts.names = std::make_shared<KnownNames>();
  }
  const bool goes_on = old && old->parts().history == counts.history;
  if (!goes_on || parts.note_version != counts.note_version) {
    const auto note = store->note(kCalibrationNote);
    parts.calibration = note ? calibration_from_json(*note, store->name()) : std::nullopt;
    parts.rejected = std::make_shared<const RejectedFaces>(store->rejections(), comparison);
    parts.note_version = counts.note_version;
    parts.history = counts.history;
  }
  if (goes_on && old->version() == counts.version) return parts;
  auto known = goes_on ? store->changes_since(old->version()) : std::nullopt;
  parts.version = known ? known->version : counts.version;
  if (parts.names && options.shard.of == 1) follow_names(parts, old, known ? &*known : nullptr);
  if (shards) {
    ask_elsewhere(parts);
    return parts;
  }
  if (known)
    std::erase_if(known->faces, [&](const FaceChange& one) { return !options.shard.holds(one.face); });
  if (known) {
    change_layers(parts, std::move(known->faces), indexes, progress);
  } else if (old) {
    compare_everything(parts, progress);
  } else {
    read_everything(parts, progress);
  }
  keep_index(parts);
  return parts;
}

/// Names for the time when the store is out of reach. `changes`: since the old view; null: not known.
void Gallery::State::follow_names(GalleryView::Parts& parts, const GalleryView* old, const Changes* changes) {
  // A file's changes do not tell who is gone; without layers it is not known otherwise.
  if (!old || !changes || (shards && !store->remote())) {
    parts.names->replace(store->names());
    return;
  }
  std::set<std::int64_t> touched(changes->renamed.begin(), changes->renamed.end());
  for (const FaceChange& change : changes->faces) {
    if (change.person) touched.insert(*change.person);
    for (const auto& layer : old->parts().layers) {
      if (const auto person = layer->owner(change.face)) touched.insert(*person);
    }
  }
  const std::vector<std::int64_t> ids(touched.begin(), touched.end());
  parts.names->update(touched, store->people(ids));
}

/// A view of faces that others hold.
void Gallery::State::ask_elsewhere(GalleryView::Parts& parts) const {
  parts.elsewhere = std::make_shared<const ShardedFaces>(shards, parts.version);
  parts.people = parts.names->size();
  try {  // how many they are
    static_cast<void>(shards->ask({.ask = ShardAsk::kCount, .identity = {}, .version = parts.version}));
  } catch (const Error& error) {  // searching will say so
    if (error.code() != ErrorCode::kUnavailable) throw;
  }
}

/// The index as it was left, or the given one, with what the store has more or less by now.
void Gallery::State::read_everything(GalleryView::Parts& parts, const Progress& progress) {
  kept = nullptr;
  const std::vector<FaceOwner> owners = store->owners(options.shard);
  auto start = given_index ? given_index : kept_index(owners.size());
  if (start && start->size() > 0) {
    const std::vector<std::int64_t> known = start->faces();
    std::vector<FaceOwner> own;
    for (const FaceOwner& owner : owners) {
      if (std::ranges::binary_search(known, owner.face)) own.push_back(owner);
    }
    // Ids rise: of an index that is behind only the youngest faces are missing.
    const bool no_gap = own.empty() || owners[own.size() - 1].face == own.back().face;
    const auto vector_of = [&](std::int64_t face) { return start->vector(face); };
    if (no_gap && known.size() <= own.size() + own.size() / 3 && agrees(vector_of, own)) {
      std::vector<std::int64_t> people;
      for (const FaceOwner& owner : own) people.push_back(owner.person);
      std::ranges::sort(people);
      parts.people = static_cast<std::size_t>(std::unique(people.begin(), people.end()) - people.begin());
      // The file of a remote gallery must not hold who was removed elsewhere: it is written anew then.
      if (!given_index && !(store->remote() && own.size() < known.size())) kept = start.get();
      parts.layers.push_back(std::make_shared<const Layer>(std::move(start), std::move(own)));
    }
  }
  const std::size_t known = parts.layers.empty() ? 0 : parts.layers[0]->size();
  change_layers(parts, difference(parts, owners).value(), indexes, progress);
  // What the file lacks is read from the store by everybody who opens the gallery.
  if (keeps_index() && owners.size() - std::min(known, owners.size()) > known / 64 + kFewFaces)
    merge_layers(parts, indexes, progress);
}

/// Whether the youngest faces that are known apart from their gallery are still those: a database that was
/// set back to an earlier state, or has lost the last changes with its primary, gives ids again. Of a face
/// that is not known `known` gives nothing.
bool Gallery::State::agrees(const VectorOf& known, std::span<const FaceOwner> owners) const {
  if (!store->remote()) return true;
  constexpr std::size_t kLookedAt = 64;
  constexpr float kSame = 0.98F;  // bytes change a cosine by .005, halves by less
  std::vector<std::int64_t> faces;
  for (std::size_t i = owners.size(); i > 0 && faces.size() < kLookedAt; --i) {
    if (!known(owners[i - 1].face).empty()) faces.push_back(owners[i - 1].face);
  }
  FaceEmbeddings read = store->embeddings(faces);
  const Embeddings compared = comparison.comparable(std::move(read.embeddings));
  for (std::size_t i = 0; i < read.faces.size(); ++i) {
    const std::vector<float> vector = known(read.faces[i].face);
    if (dot(vector, compared[i]) < kSame) return false;
  }
  return true;
}

/// Where there is no log of changes, or it does not reach back far enough, or is another one.
void Gallery::State::compare_everything(GalleryView::Parts& parts, const Progress& progress) {
  const std::vector<FaceOwner> owners = store->owners(options.shard);
  const auto vector_of = [&](std::int64_t face) -> std::vector<float> {
    for (const auto& layer : parts.layers) {
      if (layer->owner(face)) return layer->index().vector(face);
    }
    return {};
  };
  auto changes = difference(parts, owners);
  // An older face is missing, or another one: somebody has been at the file, or it is another server.
  if (!changes || !agrees(vector_of, owners)) {
    parts.layers.clear();
    parts.people = 0;
    changes = difference(parts, owners);
  }
  change_layers(parts, *std::move(changes), indexes, progress);
  // A server that is behind, or has lost changes, gives their faces' ids again: layers must not end above
  // them.
  const std::int64_t youngest = owners.empty() ? -1 : owners.back().face;
  if (store->remote() && !parts.layers.empty() && parts.layers.back()->last() > youngest)
    merge_layers(parts, indexes, progress);
}

std::shared_ptr<const SearchIndex> Gallery::State::kept_index(std::size_t faces) {
  const IndexOptions wanted = indexes.options(faces);
  if (!keeps_index() || wanted.kind == IndexKind::kExactF32) return nullptr;
  try {
    return load_index(*options.index_file, index_identity(), wanted);
  } catch (const Error& error) {  // derived data: whatever is wrong with the file, it is built anew
    // None, or one of another kind, is no trouble.
    if (error.code() == ErrorCode::kDataInvalid) notice(Notice::Code::kIndexNotReadable, error.what());
    return nullptr;
  }
}

/// Keeps the oldest layer, by far the largest one, where it is another one than was kept.
void Gallery::State::keep_index(const GalleryView::Parts& parts) {
  const Layer* front = parts.layers.empty() ? nullptr : parts.layers.front().get();
  const SearchIndex* index = front ? &front->index() : nullptr;
  const bool same = index == std::exchange(kept, index);
  if (!keeps_index()) return;
  if (index && !same && can_be_saved(*index)) {
    save(*front);
    kept_without = front->removed().size();
    forgotten = false;
  } else if (store->remote() &&
             (!index || !can_be_saved(*index) || front->removed().size() != kept_without)) {
    // Nobody purges this file, as the one who removes does that beside a gallery that is a file.
    forget_index();
  }
}

void Gallery::State::forget_index() {
  std::error_code error;
  fs::remove(*options.index_file, error);
  if (error) notice(Notice::Code::kIndexNotSaved, options.index_file->string() + ": " + error.message());
  forgotten = true;
}

void Gallery::State::keep_index_anew() {
  if (!keeps_index()) return;
  std::shared_ptr<const Layer> front;
  {
    const std::lock_guard lock(refreshing);
    const auto now = current();
    if (!forgotten || !now || now->parts().layers.empty()) return;
    front = now->parts().layers.front();
    if (!can_be_saved(front->index())) return;
  }
  save(*front);
  const std::lock_guard lock(refreshing);
  const auto now = current();
  const auto& layers = now->parts().layers;
  forgotten = false;
  if (!layers.empty() && &layers.front()->index() == &front->index() &&
      layers.front()->removed().size() == front->removed().size()) {
    kept_without = front->removed().size();
  } else {  // changed meanwhile
    forget_index();
  }
}

void Gallery::State::save(const Layer& layer) {
  try {
    if (store->remote()) make_cache_folder(options.index_file->parent_path());
    save_index(layer.index(), *options.index_file, index_identity(), layer.removed(),
               store->remote() ? IndexReaders::kOwner : IndexReaders::kAny);
  } catch (const Error& error) {  // no place for it: every process builds its own
    notice(Notice::Code::kIndexNotSaved, error.what());
    std::error_code ignored;
    if (store->remote()) fs::remove(*options.index_file, ignored);  // an older one may hold who is gone
  }
}

void Gallery::State::purge_index(const Progress& progress) {
  const fs::path file = options.index_file.value_or("");
  std::error_code error;
  if (given_index || file.empty() || !fs::exists(file, error)) return;
  const std::lock_guard lock(refreshing);
  if (keeps_index()) {
    refresh_alone(progress);
    if (store->remote()) return;  // keep_index() left no file with a face that is gone
    GalleryView::Parts parts = current()->parts();
    merge_layers(parts, indexes, progress);
    const SearchIndex* index = parts.layers.empty() ? nullptr : &parts.layers.front()->index();
    if (index && can_be_saved(*index)) {
      save_index(*index, file, index_identity());
      kept = index;
      kept_without = 0;
      forgotten = false;
      const std::lock_guard swap(swapping);
      view = std::make_shared<const GalleryView>(std::move(parts));
      return;
    }
  }
  fs::remove(file, error);
  kept = nullptr;
  if (error) throw Error(ErrorCode::kOutputUnwritable, file.string() + ": " + error.message());
}

Gallery::Gallery(std::unique_ptr<GalleryStore> store, GalleryOptions options,
                 std::unique_ptr<SearchIndex> index)
    : state_(std::make_unique<State>(std::move(store), std::move(options), std::move(index))) {}

Gallery::~Gallery() = default;
Gallery::Gallery(Gallery&&) noexcept = default;
Gallery& Gallery::operator=(Gallery&&) noexcept = default;

GalleryStore& Gallery::store() { return *state_->store; }
const GalleryStore& Gallery::store() const { return *state_->store; }

std::shared_ptr<const GalleryView> Gallery::view() const {
  {
    const std::lock_guard lock(state_->swapping);
    if (state_->view && state_->changes_seen == state_->own_changes) return state_->view;
  }
  refresh();
  return state_->current();
}

void Gallery::refresh(const Progress& progress) const { state_->refresh(progress); }

std::shared_ptr<const GalleryView> Gallery::view_or_last() const { return state_->look().view; }

std::shared_ptr<const GalleryView> Gallery::view_with(std::uint64_t version,
                                                      std::chrono::milliseconds most) const {
  // Looked at again and again, not by wait_for_change(), which is another thread's while it listens.
  constexpr std::chrono::milliseconds kPause(10);
  const auto end = std::chrono::steady_clock::now() + most;
  for (;;) {
    auto [now, reached] = state_->look();
    if (now->version() >= version) return now;
    const std::string what =
        "version " + std::to_string(version) + ", but the gallery is at " + std::to_string(now->version());
    // The store was asked just now, and has what anybody's finished change made, unless it is behind.
    if (reached && !store().may_lag()) throw std::invalid_argument(what);
    if (std::chrono::steady_clock::now() + kPause > end) {
      throw Error(ErrorCode::kUnavailable,
                  store().name() + ": " + what +
                      (reached ? " on this standby, which has not got it yet"
                               : " as it was last seen: the database is out of reach"));
    }
    std::this_thread::sleep_for(kPause);
  }
}

Shard Gallery::shard() const { return state_->options.shard; }

bool Gallery::holds_none() const { return state_->shards != nullptr; }

std::string Gallery::answer_as_shard(std::string_view request, std::chrono::milliseconds most) const {
  constexpr std::chrono::milliseconds kPause(5);
  const ShardRequest asked = shard_request_from(request, store().space().dimension);
  const std::string identity = store().identity();
  if (asked.identity != identity) throw std::invalid_argument("this is about another gallery");
  if (holds_none()) throw std::invalid_argument("this process holds no faces");
  const auto end = std::chrono::steady_clock::now() + most;
  // Whoever asks has asked the truth: one that is known to be new enough is not asked again.
  for (auto now = state_->current();; std::this_thread::sleep_for(kPause)) {
    if (!now || now->version() < asked.version) now = view_or_last();
    if (now->version() >= asked.version) return answer_bytes(asked, *now, shard(), identity);
    if (std::chrono::steady_clock::now() + kPause > end) {
      throw Error(ErrorCode::kUnavailable, store().name() + ": version " + std::to_string(asked.version) +
                                               " is asked for, and " + std::to_string(now->version()) +
                                               " is all that is known here");
    }
  }
}

std::vector<AddedFace> Gallery::add_faces(const std::string& person, std::span<const NewFace> faces) {
  auto added = store().add_faces(person, faces);
  ++state_->own_changes;
  return added;
}

std::vector<AddedFace> Gallery::add_many(std::span<const Enrolment> faces) {
  auto added = store().add_many(faces);
  ++state_->own_changes;
  return added;
}

bool Gallery::remove_person(const std::string& name) {
  const bool done = store().remove_person(name);
  ++state_->own_changes;
  return done;
}

bool Gallery::remove_face(std::int64_t face) {
  const bool done = store().remove_face(face);
  ++state_->own_changes;
  return done;
}

bool Gallery::rename_person(const std::string& from, const std::string& to) {
  const bool done = store().rename_person(from, to);
  ++state_->own_changes;
  return done;
}

bool Gallery::merge_people(const std::string& from, const std::string& into) {
  const bool done = store().merge_people(from, into);
  ++state_->own_changes;
  return done;
}

std::vector<std::int64_t> Gallery::move_faces(std::span<const std::int64_t> faces,
                                              const std::string& person) {
  auto moved = store().move_faces(faces, person);
  ++state_->own_changes;
  return moved;
}

bool Gallery::reject(std::int64_t person, std::span<const float> embedding, const std::string& photo_hash,
                     const Box& box) {
  const bool done = store().reject(person, embedding, photo_hash, box);
  ++state_->own_changes;
  return done;
}

bool Gallery::remove_rejection(std::int64_t rejection) {
  const bool done = store().remove_rejection(rejection);
  ++state_->own_changes;
  return done;
}

void Gallery::keep_index() const { state_->keep_index_anew(); }

void Gallery::purge(const Progress& progress, bool whole) {
  if (whole) {
    store().purge();
  } else {
    store().purge_removed();
  }
  state_->purge_index(progress);
}

void Gallery::set_calibration(const Calibration& calibration) {
  store().set_note(kCalibrationNote, to_json(calibration));
  ++state_->own_changes;
}

}  // namespace likeness
