#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "likeness/embed/embedding_space.h"
#include "likeness/embed/embeddings.h"
#include "likeness/image/chip.h"

namespace likeness {

/// Where rows came from, for who meets the same faces again; all rows', or empty where it is not known.
struct RowOrigins {
  std::vector<std::string> hashes = {};  ///< SHA-256 of each row's photo, 64 hexadecimal digits.
  std::vector<float> faces = {};         ///< kFaceColumns values a row (gallery/exchange.h).
};

/// Faces with their people: chips[i] is labels[i]'s, cut from files[i].
struct FacePart {
  std::vector<Chip> chips;          ///< All of one size.
  std::vector<std::string> labels;  ///< As many as chips.
  std::vector<std::string> files;   ///< As many as chips, or none where the photos are not known.
  RowOrigins origins = {};
};

/// faces.npz: the tutorial's dataset, plus where it came from. docs/datasets.md lists the members.
struct FaceDataset {
  FacePart train;
  FacePart val;
  EmbeddingSpace space;
};

/// Embeddings with their people: embeddings[i] is labels[i]'s.
struct EmbeddingPart {
  Embeddings embeddings;
  std::vector<std::string> labels;
  std::vector<std::string> files;  ///< As FacePart's.
  RowOrigins origins = {};
};

/// embeddings.npz, laid out in the same way.
struct EmbeddingDataset {
  EmbeddingPart train;
  EmbeddingPart val;
  EmbeddingSpace space;
};

/// Which members of a file are the rows and labels to learn from, and those to test with: two names, or four.
/// None: arr_0 .. arr_3 (arr_2 and arr_3 may be missing); in a file without arr_0 the only members that can
/// be them by type, shape and name ("train", "test", "val").
using MemberNames = std::vector<std::string>;

/// Reads the members, `contract` and the files' names where there are any. Files of the tutorial and of
/// NumPy's users will do: labels as text (`<U`, or `|S` in UTF-8; taken as tidy_name()) or whole numbers, n
/// or n x 1; faces as uint8, or as other numbers that are certainly 0 to 1 or 0 to 255, which are then
/// rounded to uint8.
/// @throws Error kInputUnreadable; kDataInvalid naming the member, or listing what is there.
[[nodiscard]] FaceDataset read_faces(const std::filesystem::path& path, const MemberNames& members = {});
/// Embeddings may be of 16, 32 or 64 bits (the last rounded), and are given as stored, unit length or not.
/// @throws as read_faces(), also where a value is not finite.
[[nodiscard]] EmbeddingDataset read_embeddings(const std::filesystem::path& path,
                                               const MemberNames& members = {});

/// Whether the name ends in .npz, in letters of any size; of a file without an ending, whether it begins as
/// one.
[[nodiscard]] bool named_as_npz(const std::filesystem::path& path);

/// @throws Error kOutputUnwritable; std::invalid_argument where counts or sizes differ.
void write_faces(const std::filesystem::path& path, const FaceDataset& dataset);
void write_embeddings(const std::filesystem::path& path, const EmbeddingDataset& dataset);

}  // namespace likeness
