#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "likeness/core/progress.h"
#include "likeness/dataset/photo_folder.h"
#include "likeness/embed/embeddings.h"
#include "likeness/eval/failed_input.h"
#include "likeness/recognize/setup.h"
#include "likeness/stats/error_rates.h"

namespace likeness {

/// Faces and who they are; embeddings of unit length, as the model gives them.
struct NamedFaces {
  Embeddings embeddings;
  std::vector<std::string> people;  ///< As many as embeddings.
  std::string contract{};  ///< The model's, as JSON: says how they are compared. Empty: by the plain cosine.

  [[nodiscard]] std::size_t size() const { return people.size(); }
};

/// One face each of labelled photos, for a protocol.
struct People : NamedFaces {
  std::string source{};               ///< What errors call them: their file or folder.
  std::string space{};                ///< The embedding space's name; "unknown model" where nothing says it.
  std::vector<std::string> failed{};  ///< Photos without an embedding, and why.
  std::vector<FailedInput> unreadable{};  ///< Those of them that could not be read, rather than show no face.
};

/// All rows of embeddings (.npz), train and val together, brought to unit length.
/// @throws Error kInputUnreadable, kDataInvalid.
[[nodiscard]] People read_people(const std::filesystem::path& npz);

/// The main faces of photos, in their order (embed_photos(), with its `cache`). Those without one are
/// `failed`. @param source where the photos lie. @throws as embed_photos().
[[nodiscard]] People embed_people(std::span<const LabelledPhoto> photos, const std::filesystem::path& source,
                                  const Setup& setup, const std::filesystem::path& cache,
                                  const Progress& progress = {});

/// Brings the embeddings to what the model's contract compares (Comparison).
/// @throws Error kDataInvalid.
void make_comparable(People& people);

/// Keeps those who have `min_photos` faces and whom the list in `only`, where given, names
/// (read_people_file()). @throws Error kInputUnreadable where the file cannot be read or nobody is left.
void keep_wanted(People& people, const std::optional<std::filesystem::path>& only, std::size_t min_photos);

/// Of all pairs of more faces nobody can keep the cosines: 72 million pairs take half a gigabyte.
inline constexpr std::size_t kMostFacesInPairs = 12'000;
/// @throws std::invalid_argument for more faces than that.
void require_pairs_fit(const People& people);

/// Cosines of all pairs of comparable faces.
[[nodiscard]] Comparisons compare_all_pairs(const NamedFaces& faces);

/// Takes the people called so out; nobody may be left.
void leave_aside(People& people, std::span<const std::string> names);

}  // namespace likeness
