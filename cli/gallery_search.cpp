#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/gallery_parts.h"
#include "cli/photos.h"
#include "cli/progress_bar.h"
#include "likeness/recognize/recognizer.h"

namespace likeness::cli {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const PhotoFaces& photo, const SearchedFace& answer, const NamingRule& rule) {
  const Box& box = answer.face.box;
  Json json{{"file", photo.id},
            {"box", {box.left, box.top, box.right, box.bottom}},
            {"score", answer.face.score},
            {"name", answer.name.value_or("unknown")},
            {"probability", or_null(answer.probability)},
            {"threshold", or_null(rule.threshold)},
            {"nearest", match_json(answer.nearest)},
            {"runner_up", match_json(answer.runner_up)}};
  if (!answer.nearest) json["reason"] = "the gallery is empty";
  return json;
}

void print_text(const PhotoFaces& photo, const SearchedFace& answer) {
  std::cout << photo.id << "  " << answer.name.value_or("unknown");
  if (!answer.nearest) {
    std::cout << ": the gallery is empty";
  } else {
    const PersonMatch& nearest = *answer.nearest;
    char text[80];
    if (answer.probability) {
      std::snprintf(text, sizeof text, "   %.1f%% ", *answer.probability * 100);
      std::cout << text << nearest.name;
    }
    std::snprintf(text, sizeof text, "   similarity %.3f to ", nearest.similarity);
    std::cout << text << nearest.name;
    std::snprintf(text, sizeof text, " (nearest face %.3f, ", nearest.cosine);
    std::cout << text << nearest.photo << ")";
    if (answer.runner_up) {
      std::snprintf(text, sizeof text, "   runner-up %.3f ", answer.runner_up->similarity);
      std::cout << text << answer.runner_up->name;
    }
  }
  char place[60];
  std::snprintf(place, sizeof place, "   at %.0f, %.0f\n", answer.face.box.left, answer.face.box.top);
  std::cout << place;
}

}  // namespace

Exit gallery_search(const GalleryCommandArgs& args) {
  const PhotoList list = list_photos(args.inputs, args.json);
  const Gallery gallery = args.gallery.open(true, args.models.threads, index_kind_from(args.index));
  Setup setup = models_for(gallery.store().space(), args.models);
  setup.quality = gallery.store().space().quality;
  const Recognizer recognizer(setup);
  require_same_space(gallery.store().space(), gallery.store().name(), recognizer.space(),
                     "the model " + setup.model);
  const auto view = view_of(gallery);
  const NamingRule rule = naming_rule(*view, recognizer.contract(), setup.precision);
  if (const std::string words = remark(rule); !words.empty()) std::cerr << "likeness: " << words << '\n';
  ProgressBar bar("searching");
  InputCount inputs(list, args.json);
  recognizer.search(
      *view, list.source(), rule,
      [&](const PhotoFaces& photo, std::span<const SearchedFace> faces) {
        if (!inputs.count(photo, bar)) return;
        if (faces.empty()) {
          if (args.json) {
            std::cout << dump_line({{"file", photo.id}, {"faces", 0}, {"name", nullptr}}) << '\n';
          } else {
            std::cout << photo.id << "  no face\n";
          }
        }
        for (const SearchedFace& face : faces) {
          if (args.json) {
            std::cout << dump_line(json_of(photo, face, rule)) << '\n';
          } else {
            print_text(photo, face);
          }
        }
      },
      bar.callback());
  return inputs.exit();
}

}  // namespace likeness::cli
