#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "serve/service.h"

namespace likeness::serve {

/// How sure it is, in [0, 1]: the calibration's own probability, else a logistic curve of the rule's slope
/// about the threshold; at least one half exactly where a name is given. Without a threshold 0.
[[nodiscard]] double probability_of(const NamingRule& rule, double similarity);
/// The same of two faces, about `threshold` (Recognizer::verification_rule()), by the slope of the model's
/// contract.
[[nodiscard]] double probability_of_pair(const Contract& contract, double threshold, double similarity);

/// What became of one face of a search.
struct SearchedFace {
  std::optional<Box> box{};            ///< Empty where it came as an embedding.
  std::optional<PersonMatch> match{};  ///< Who it is; empty: nobody known.
  double confidence = 0;               ///< probability_of() the person most alike.
};

/// Counts the faces of a search and tells listeners: the event "searched". `source` is what the photo came
/// from, as whoever asked calls it; `photo` is null where embeddings were asked about.
/// @returns how many got a name.
std::size_t tell_searched(Service& service, const ServedGallery& served,
                          const std::optional<std::string>& source, std::span<const SearchedFace> faces,
                          const PhotoFaces* photo);

struct SearchOptions {
  std::optional<double> threshold{};    ///< Instead of the gallery's own.
  std::optional<std::string> source{};  ///< As tell_searched() takes it.
};

/// What a search found.
struct FacesFound {
  std::shared_ptr<const GalleryView> view;  ///< What was searched.
  NamingRule rule;
  std::vector<Identification> answers;  ///< One for each row of the queries.
  std::size_t named = 0;
};

/// Who these embeddings are, or nobody known: names by the gallery's rule, keeps faces without a name of
/// `photo` where the server does, counts, and tells listeners. `photo` is where they are from, or null.
/// @throws Error as ServedGallery::view().
[[nodiscard]] FacesFound search_faces(Service& service, ServedGallery& served, const Embeddings& queries,
                                      const PhotoFaces* photo, const SearchOptions& options);

}  // namespace likeness::serve
