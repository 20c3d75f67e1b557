#pragma once

#include <memory>

#include "likeness/gallery/store.h"

namespace likeness {

/// A gallery that is gone with the program: for tests, protocols, and galleries that are filled from
/// elsewhere.
/// @throws std::invalid_argument for a space without id or dimension.
[[nodiscard]] std::unique_ptr<GalleryStore> make_memory_store(const EmbeddingSpace& space,
                                                              EmbeddingFormat format = EmbeddingFormat::kF32);

}  // namespace likeness
