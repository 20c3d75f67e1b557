#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "likeness/core/progress.h"
#include "likeness/embed/comparison.h"
#include "likeness/gallery/calibration.h"
#include "likeness/gallery/person_faces.h"
#include "likeness/gallery/search_index.h"
#include "likeness/gallery/store.h"

namespace likeness {

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
  double similarity = 0;  ///< To the person, see PersonFaces: what decides.
};

/// Who a face is, or nobody, with the evidence.
struct Identification {
  std::optional<std::string> name;       ///< Empty: nobody who is enrolled.
  std::optional<double> probability;     ///< That it is nearest->name; above one half exactly where a name is
                                         ///< given. Empty where the gallery has no calibration.
  std::optional<PersonMatch> nearest;    ///< The person most alike; empty in an empty gallery.
  std::optional<PersonMatch> runner_up;  ///< The next one.
};

struct GalleryOptions {
  /// Empty: exact in floats up to 50,000 faces, int8 up to 200,000, above that sketches.
  std::optional<IndexKind> index = {};
  int threads = 1;
};

/// A store with an index over it and its calibration: what answers questions. For one thread, also its const
/// members: the store is, and faces of people that were asked about are kept until the store changes.
class Gallery {
 public:
  /// Reads the index that lies beside `path`, or builds it. All but the first are saved there again
  /// where they were built, unless the gallery is encrypted: then nothing unencrypted is written and the
  /// index lives in memory. An index file that cannot be written is no error.
  Gallery(std::unique_ptr<GalleryStore> store, std::filesystem::path path, const GalleryOptions& options = {},
          const Progress& progress = {});
  ~Gallery();
  Gallery(Gallery&&) noexcept;
  Gallery& operator=(Gallery&&) noexcept;

  [[nodiscard]] GalleryStore& store() { return *store_; }
  [[nodiscard]] const GalleryStore& store() const { return *store_; }
  [[nodiscard]] const SearchIndex& index() const { return *index_; }
  [[nodiscard]] IndexKind index_kind() const { return index_options_.kind; }
  /// How its faces are compared, by the contract they were enrolled with. Queries are embeddings as the model
  /// gives them; cosines in answers are those of what is compared.
  [[nodiscard]] const Comparison& comparison() const { return comparison_; }

  /// Follows changes of the store by anybody; costs next to nothing where there are none.
  void refresh(const Progress& progress = {});

  /// Enrolled faces nearest to `query`, nearest first.
  [[nodiscard]] std::vector<Match> nearest(std::span<const float> query, std::size_t count) const;
  /// Of the enrolled people but `left_out`, the `count` most alike, of those to whom the 64 nearest faces
  /// belong; more faces are asked for only where these are of fewer people.
  [[nodiscard]] std::vector<PersonMatch> nearest_people(std::span<const float> query, std::size_t count,
                                                        std::optional<std::int64_t> left_out = {}) const;
  /// How alike one person is; empty where he or she has no faces.
  [[nodiscard]] std::optional<PersonMatch> match_person(std::span<const float> query,
                                                        const Person& person) const;
  /// Without a calibration the threshold is `fallback_threshold`, and there is no probability.
  [[nodiscard]] Identification identify(std::span<const float> query, double fallback_threshold) const;
  /// Name and probability of an answer from how alike its `nearest`, who must be there, is.
  void decide(Identification& answer, double fallback_threshold) const;

  [[nodiscard]] const std::optional<Calibration>& calibration() const { return calibration_; }
  void set_calibration(const Calibration& calibration);

 private:
  void bring_up_to_date(const Progress& progress);
  /// A person by the number and the answer of his or her faces; names and photos come last, from the store.
  struct Candidate {
    std::int64_t person = 0;
    PersonFaces::Answer answer;
  };
  [[nodiscard]] std::optional<Match> match_of(const Neighbour& neighbour) const;
  [[nodiscard]] std::optional<std::int64_t> owner_of(std::int64_t face, std::uint64_t version) const;
  /// Of the person's first faces; more only say which is nearest.
  struct KnownPerson {
    PersonFaces faces;
    std::vector<std::int64_t> others;
  };
  [[nodiscard]] const KnownPerson& faces_of(std::int64_t person, std::uint64_t version) const;
  void offer(std::int64_t face, std::span<const float> compared, PersonFaces::Answer& answer) const;
  [[nodiscard]] std::optional<PersonMatch> match_of(const Candidate& candidate) const;

  std::unique_ptr<GalleryStore> store_;
  std::filesystem::path path_;
  Comparison comparison_;
  IndexOptions index_options_;
  std::unique_ptr<SearchIndex> index_;
  std::optional<Calibration> calibration_;
  std::uint64_t version_ = 0;
  std::vector<FaceOwner> owners_;  // When the store had version_.
  // People that were asked about, as they were when the store had people_version_.
  mutable std::map<std::int64_t, KnownPerson> people_;
  mutable std::uint64_t people_version_ = 0;
};

/// A face of somebody who should not be enrolled.
struct Stranger {
  std::span<const float> embedding;
  std::string person;  ///< Folder or name; faces of one person are resampled together.
  std::string photo;
  std::string photo_hash;  ///< May be empty.
};

/// A stranger and the enrolled person he or she is taken for most easily: perhaps the same person.
struct LookAlike {
  std::string person;
  std::string photo;
  PersonMatch enrolled;
};

struct CalibrationReport {
  Calibration calibration;
  std::vector<LookAlike> look_alikes;  ///< Most alike first, at most ten.
  std::size_t same_name = 0;           ///< Strangers left out because somebody of that name is enrolled.
  std::size_t same_photo = 0;          ///< Because the photo itself is enrolled.
};

/// Calibrates against `strangers`; mates are the gallery's own faces, each against the others of its person.
/// Names are compared without case, '_' as a space. @throws Error kDataInvalid as calibrate() does.
[[nodiscard]] CalibrationReport calibrate_with(const Gallery& gallery, std::span<const Stranger> strangers,
                                               const CalibrationOptions& options,
                                               const Progress& progress = {});

/// Calibrates with the gallery alone: each person's faces are strangers to all the others.
[[nodiscard]] CalibrationReport calibrate_by_leaving_out(const Gallery& gallery,
                                                         const CalibrationOptions& options,
                                                         const Progress& progress = {});

}  // namespace likeness
