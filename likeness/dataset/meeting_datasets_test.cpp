#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "likeness/core/error.h"
#include "likeness/dataset/dataset_file.h"
#include "likeness/npz/npz.h"

// Datasets as people store them with today's NumPy: tests/meeting/make_datasets.py wrote testdata/meeting,
// and tests/meeting/run.sh runs this test on files made anew ($LIKENESS_DATASETS).

namespace likeness {
namespace {

namespace fs = std::filesystem;

fs::path meeting() {
  const char* said = std::getenv("LIKENESS_DATASETS");
  return said != nullptr ? fs::path(said) : fs::path(LIKENESS_TESTDATA) / "meeting";
}

struct Form {
  std::string file;
  bool faces = false;
  std::string what;   ///< "text" or "numbers", as the labels are, or "refused".
  std::string words;  ///< Of the refusal, or names of members.
};

std::vector<Form> forms() {
  std::vector<Form> result;
  std::ifstream list(meeting() / "datasets.txt");
  for (std::string line; std::getline(list, line);) {
    std::istringstream fields(line);
    Form form;
    std::string kind;
    std::getline(fields, form.file, '\t');
    std::getline(fields, kind, '\t');
    std::getline(fields, form.what, '\t');
    std::getline(fields, form.words, '\t');
    form.faces = kind == "faces";
    result.push_back(form);
  }
  return result;
}

MemberNames members_in(const std::string& words) {
  MemberNames names;
  std::istringstream text(words);
  for (std::string name; std::getline(text, name, ',');) names.push_back(name);
  return names;
}

/// The labels that a form has to have.
std::vector<std::string> labels_of(const NpzFile& right, const std::string& part, const std::string& what) {
  if (what == "text") return right.strings(part + "_text");
  std::vector<std::string> labels;
  for (const auto number : right.whole_numbers(part + "_numbers").values)
    labels.push_back(std::to_string(number));
  return labels;
}

void expect_part(const NpzFile& right, const std::string& part, const Form& form, const FacePart& read) {
  std::vector<std::uint8_t> pixels;
  for (const Chip& chip : read.chips) pixels.insert(pixels.end(), chip.pixels().begin(), chip.pixels().end());
  EXPECT_EQ(pixels, right.get<std::uint8_t>(part + "_faces").values) << form.file << " " << part;
  EXPECT_EQ(read.labels, labels_of(right, part, form.what)) << form.file << " " << part;
}

void expect_part(const NpzFile& right, const std::string& part, const Form& form, const EmbeddingPart& read) {
  EXPECT_EQ(read.embeddings.dimension, 8U) << form.file << " " << part;
  EXPECT_EQ(read.embeddings.values, right.get<float>(part).values) << form.file << " " << part;
  EXPECT_EQ(read.labels, labels_of(right, part, form.what)) << form.file << " " << part;
}

template <typename Dataset>
void expect_right(const NpzFile& right, const Form& form, const Dataset& read) {
  expect_part(right, "train", form, read.train);
  expect_part(right, "val", form, read.val);
}

TEST(MeetingDatasets, EveryFormGivesTheSameArraysOrIsRefusedByName) {
  const NpzFile right(meeting() / "right.npz");
  const std::vector<Form> all = forms();
  EXPECT_EQ(all.size(), 32U);
  for (const Form& form : all) {
    const fs::path file = meeting() / form.file;
    const bool refused = form.what == "refused";
    const MemberNames members = refused ? MemberNames{} : members_in(form.words);
    try {
      if (form.faces) {
        const FaceDataset read = read_faces(file, members);
        if (!refused) expect_right(right, form, read);
      } else {
        const EmbeddingDataset read = read_embeddings(file, members);
        if (!refused) expect_right(right, form, read);
      }
      EXPECT_FALSE(refused) << form.file << " was read";
    } catch (const Error& error) {
      const std::string message = error.what();
      EXPECT_TRUE(refused) << message;
      EXPECT_EQ(error.code(), ErrorCode::kDataInvalid) << message;
      EXPECT_NE(message.find(form.words), std::string::npos) << message;
      EXPECT_NE(message.find(form.file), std::string::npos) << message;
      EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    }
  }
}

}  // namespace
}  // namespace likeness
