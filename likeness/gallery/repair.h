#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "likeness/gallery/store.h"

namespace likeness {

/// What an older likeness let into galleries and a newer one would not, and what makes it good; and faces
/// that are under two names.
struct GalleryRepairs {
  /// Faces that are enrolled twice; `face` is to be removed, `of` stays.
  struct Double {
    std::int64_t face = 0;
    std::int64_t of = 0;
    std::string person;  ///< Whose `face` is, as called afterwards.
    std::string photo;   ///< Of `face`.
  };
  /// A person whose name looks like another one, or is not as names are kept (tidy_name()).
  struct Name {
    std::string from;
    std::string into;
    bool merge = false;  ///< Somebody is called `into` already, or is by then; else a mere renaming.
  };
  /// Two people of two names have the same face: an embedding of a photo is one person's. Whose it is only
  /// the owner of the gallery knows.
  struct Shared {
    std::int64_t face = 0;
    std::string person;
    std::int64_t other = 0;  ///< The younger face.
    std::string other_person;
  };
  std::vector<Name> names;                 ///< By `into`.
  std::vector<Double> doubles;             ///< By person, as called afterwards, then face.
  std::vector<Shared> shared;              ///< By face; repair() leaves them.
  std::vector<std::string> nobodys_names;  ///< Blank, or what strangers are called: somebody has to give one.

  /// Whether there is anything that repair() does.
  [[nodiscard]] bool empty() const { return names.empty() && doubles.empty(); }
};

/// Reads everything. Of a face that is there twice, by the rules of GalleryStore::add_faces(), that one stays
/// of which the photo is known, else the older one.
/// @throws Error kDataInvalid where the gallery is damaged.
[[nodiscard]] GalleryRepairs find_repairs(const GalleryStore& store);

/// Makes good what find_repairs() found: each part whole or not at all, so that it may be stopped and done
/// again.
void repair(GalleryStore& store, const GalleryRepairs& repairs);

}  // namespace likeness
