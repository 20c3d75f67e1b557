#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "likeness/embed/comparison.h"
#include "likeness/gallery/calibration.h"
#include "likeness/gallery/search_index.h"
#include "likeness/gallery/store.h"

namespace likeness {

class FaceSource;
class KnownNames;
class Layer;
class RejectedFaces;

/// An enrolled face near to a query.
struct Match {
  std::int64_t face = 0;
  std::int64_t person = 0;
  std::string name;
  std::string photo;
  double cosine = 0;
};

/// An enrolled person near to a query, by his or her nearest face.
struct PersonMatch : Match {
  double similarity = 0;  ///< To the person: half the nearest face's cosine, half that to the middle of
                          ///< the person's faces (docs/gallery_format.md). What decides.
};

/// What a gallery was at one moment: an index over its faces, whose they are, and its calibration. It never
/// changes; any number of threads search it. Queries are embeddings as the model gives them; cosines in
/// answers are those of what is compared (Comparison). The store is asked for names and photos alone, by one
/// request for all queries of a call: faces that were removed since do not come, and a name is that of today;
/// but see stale(). Where its faces are elsewhere (GalleryOptions::shards) searching throws Error
/// kUnavailable naming which part is away.
class GalleryView {
 public:
  /// What a view is made of; Gallery makes them.
  struct Parts {
    std::shared_ptr<const GalleryStore> store;
    Comparison comparison;
    std::optional<Calibration> calibration;
    std::uint64_t version = 0;
    std::uint64_t history = 0;                         ///< GalleryStore::history() of that moment.
    std::uint64_t note_version = 0;                    ///< When the calibration and the rejections were read.
    std::shared_ptr<const RejectedFaces> rejected;     ///< GalleryStore::rejections(); may be null.
    std::vector<std::shared_ptr<const Layer>> layers;  ///< Faces' ids rise from each to the next.
    std::shared_ptr<const FaceSource> elsewhere;  ///< Instead of layers: faces that other processes hold.
    std::size_t people = 0;
    std::shared_ptr<KnownNames> names;  ///< Of a remote store, and where faces are elsewhere; else null.
  };
  explicit GalleryView(Parts parts);

  /// GalleryStore::version() of that moment.
  [[nodiscard]] std::uint64_t version() const { return parts_.version; }
  [[nodiscard]] const EmbeddingSpace& space() const { return parts_.store->space(); }
  /// How its faces are compared, by the contract they were enrolled with.
  [[nodiscard]] const Comparison& comparison() const { return parts_.comparison; }
  [[nodiscard]] const std::optional<Calibration>& calibration() const { return parts_.calibration; }
  /// Where they are elsewhere: as many as were told last.
  [[nodiscard]] std::size_t faces() const;
  [[nodiscard]] std::size_t people() const { return parts_.people; }
  /// Whether the store was out of reach (GalleryStore::remote()) when it was asked last, for changes or for
  /// an answer's names: then names are those known before, photos are empty, and what others have changed
  /// since is not known. To be asked after a search whose answer it is to mark.
  [[nodiscard]] bool stale() const;
  /// Memory held by the indexes, in bytes.
  [[nodiscard]] std::size_t index_bytes() const;

  /// For each query the enrolled faces nearest to it, nearest first.
  [[nodiscard]] std::vector<std::vector<Match>> nearest(const Embeddings& queries, std::size_t count) const;
  /// For each query, of the enrolled people but `left_out`, the `count` most alike, of those to whom the 64
  /// nearest faces belong; more faces are asked for only where these are of fewer people.
  [[nodiscard]] std::vector<std::vector<PersonMatch>> search(const Embeddings& queries, std::size_t count,
                                                             std::optional<std::int64_t> left_out = {}) const;
  /// The same for one query.
  [[nodiscard]] std::vector<Match> nearest(std::span<const float> query, std::size_t count) const;
  [[nodiscard]] std::vector<PersonMatch> search(std::span<const float> query, std::size_t count,
                                                std::optional<std::int64_t> left_out = {}) const;
  /// How alike one person is; empty where he or she has no faces.
  [[nodiscard]] std::optional<PersonMatch> match_person(std::span<const float> query,
                                                        std::int64_t person) const;

  /// How alike the query is to a face of which somebody said that it is not this person: the highest cosine;
  /// empty where nobody did (GalleryStore::reject()).
  [[nodiscard]] std::optional<double> rejected_cosine(std::span<const float> query,
                                                      std::int64_t person) const;
  /// Whether there is any such face.
  [[nodiscard]] bool has_rejections() const;

  /// Where names, photos and everything else about its faces are. Of now, not of the view's moment.
  [[nodiscard]] const GalleryStore& store() const { return *parts_.store; }
  [[nodiscard]] const Parts& parts() const { return parts_; }
  /// Its faces, in layers or elsewhere.
  [[nodiscard]] const FaceSource& source() const { return *source_; }

 private:
  struct Candidate;
  using Candidates = std::vector<Candidate>;  // most alike first

  /// GalleryStore::evidence(), or what is known of it.
  [[nodiscard]] std::vector<FaceEvidence> evidence(std::span<const FaceOwner> faces) const;
  [[nodiscard]] std::vector<Candidates> candidates(const Embeddings& compared, std::size_t count,
                                                   std::optional<std::int64_t> left_out) const;
  [[nodiscard]] std::vector<std::vector<PersonMatch>> with_evidence(std::span<const Candidates> found,
                                                                    std::size_t count) const;

  Parts parts_;
  std::shared_ptr<const FaceSource> source_;
};

}  // namespace likeness
