// What the page's test needs: photos of drawn people, and a gallery with a crowd in it.
//   page_world FOLDER [PEOPLE = 10000] [GROUPS = 1000]
// writes FOLDER/photos/person_00/0.png, ..., FOLDER/pair.png (two people in one photo) and
// FOLDER/crowd.gallery, whose people are made of random numbers.
#include <array>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <string>

#include "likeness/core/now.h"
#include "likeness/gallery/open.h"
#include "likeness/gallery/seen.h"
#include "likeness/gallery/synthetic.h"
#include "likeness/image/write_image.h"
#include "likeness/recognize/recognizer.h"
#include "tests/tiny/tiny_world.h"

namespace likeness {
namespace {

constexpr int kDrawn = 20;
constexpr int kPhotos = 5;
constexpr std::size_t kFacesEach = 2;

void write_pair(const std::filesystem::path& file) {
  const std::array<tiny::DrawnFace, 2> faces{
      {{.person = 0, .x = 90, .y = 80, .height = 70}, {.person = 40, .x = 230, .y = 90, .height = 64}}};
  const auto bytes = encode_png(tiny::draw(faces, 320, 180, 77).view());
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

void fill_crowd(const std::filesystem::path& file, std::size_t people, std::size_t groups) {
  Setup setup;
  setup.models = {tiny::packs()};
  setup.model = tiny::kEmbedder;
  const EmbeddingSpace space = Recognizer(setup).space();
  Gallery gallery = create_gallery(file.string(), space);
  const Embeddings faces = synthetic_faces(people, kFacesEach, space.dimension, 1, 0.9);
  for (std::size_t p = 0; p < people; ++p) {
    std::array<NewFace, kFacesEach> both;
    for (std::size_t f = 0; f < kFacesEach; ++f)
      both[f] = {.photo = "photo " + std::to_string(f) + ".jpg", .embedding = faces[kFacesEach * p + f]};
    gallery.store().add_faces("Person " + std::to_string(p + 1), both);
  }
  const Embeddings strangers = synthetic_faces(groups, 1, space.dimension, 2);
  for (std::size_t g = 0; g < groups; ++g)
    gallery.store().seen().add({.embedding = strangers[g], .time_ms = now_ms()}, 1);
}

int run(const std::vector<std::string>& arguments) {
  const std::filesystem::path folder(arguments.at(1));
  const auto number = [&](std::size_t i, std::size_t otherwise) {
    return arguments.size() > i ? static_cast<std::size_t>(std::stoul(arguments[i])) : otherwise;
  };
  std::filesystem::create_directories(folder);
  tiny::write_people(folder / "photos", 0, kDrawn, kPhotos, 100);
  write_pair(folder / "pair.png");
  fill_crowd(folder / "crowd.gallery", number(2, 10'000), number(3, 1'000));
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace likeness

int main(int argc, char** argv) {
  try {
    return likeness::run({argv, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << "page_world: " << error.what() << '\n';
    return EXIT_FAILURE;
  }
}
