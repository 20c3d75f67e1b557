#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "likeness/core/progress.h"
#include "likeness/embed/comparison.h"
#include "likeness/gallery/calibration.h"
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

/// Who a face is, or nobody, with the evidence.
struct Identification {
  std::optional<std::string> name;    ///< Empty: nobody who is enrolled.
  std::optional<double> probability;  ///< That it is nearest->name; above one half exactly where a name is
                                      ///< given. Empty where the gallery has no calibration.
  std::optional<Match> nearest;       ///< Empty in an empty gallery.
  std::optional<Match> runner_up;     ///< The nearest face of somebody else.
};

struct GalleryOptions {
  /// Empty: exact in floats up to 50,000 faces, int8 up to 200,000, above that sketches.
  std::optional<IndexKind> index = {};
  int threads = 1;
};

/// A store with an index over it and its calibration: what answers questions. identify() and nearest() may
/// run on several threads where the store is not changed meanwhile only if each thread has a Gallery of its
/// own; the store is for one thread.
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
  /// Of the enrolled people but `left_out`, the nearest face of each of the nearest `count` people.
  [[nodiscard]] std::vector<Match> nearest_people(std::span<const float> query, std::size_t count,
                                                  std::optional<std::int64_t> left_out = {}) const;
  /// Without a calibration the threshold is `fallback_threshold`, and there is no probability.
  [[nodiscard]] Identification identify(std::span<const float> query, double fallback_threshold) const;

  [[nodiscard]] const std::optional<Calibration>& calibration() const { return calibration_; }
  void set_calibration(const Calibration& calibration);

 private:
  void bring_up_to_date(const Progress& progress);
  [[nodiscard]] std::optional<Match> match_of(const Neighbour& neighbour) const;

  std::unique_ptr<GalleryStore> store_;
  std::filesystem::path path_;
  Comparison comparison_;
  IndexOptions index_options_;
  std::unique_ptr<SearchIndex> index_;
  std::optional<Calibration> calibration_;
  std::uint64_t version_ = 0;
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
  Match enrolled;
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
