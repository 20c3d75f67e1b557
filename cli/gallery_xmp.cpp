#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/gallery_parts.h"
#include "cli/photos.h"
#include "cli/progress_bar.h"
#include "likeness/core/output.h"
#include "likeness/recognize/name_sidecars.h"
#include "likeness/recognize/tagged_photos.h"

namespace likeness::cli {
namespace {

using Json = nlohmann::ordered_json;

void tell_counts(const char* words, const std::map<std::string, std::size_t>& counts) {
  if (counts.empty()) return;
  std::cout << words;
  const char* comma = "";
  for (const auto& [status, count] : counts) {
    std::cout << comma << count << ' ' << status;
    comma = ", ";
  }
  std::cout << '\n';
}

}  // namespace

Exit gallery_add_tagged(const GalleryCommandArgs& args) {
  const CreateOptions create = args.create_options();
  EnrolPlace place = enrol_place(args);
  const Recognizer recognizer(place.setup);
  require_place(place, recognizer);
  const PhotoList list = list_photos(args.inputs, args.json);

  ProgressBar reading("reading XMP");
  ProgressBar bar("enrolling");
  std::map<std::string, std::size_t> left;  // by status
  const auto each = [&](const TaggedFace& face) {
    const std::string status(to_string(face.status));
    const bool enrolled = face.status == TagStatus::kEnrolled || face.status == TagStatus::kKnown;
    if (!enrolled) ++left[status];
    if (args.json) {
      Json line{{"file", face.photo}, {"person", face.person}, {"status", status}};
      if (face.person.empty()) line["person"] = nullptr;
      if (!face.why.empty()) line["why"] = face.why;
      if (face.face != 0) line["face"] = face.face;
      std::cout << dump_line(line) << std::endl;  // flushed: a line told is a face kept
    } else if (face.status == TagStatus::kUnreadable) {
      bar.say("likeness: " + face.why);
    } else if (!enrolled || !face.why.empty() || args.verbose) {
      bar.say(face.photo + ": " + face.person + ": " + (face.why.empty() ? status : face.why));
    }
  };
  const TagSummary sum = enrol_tagged(recognizer,
                                      [&]() -> Gallery& {
                                        if (!place.gallery)
                                          place.gallery =
                                              args.gallery.open_or_create(recognizer.space(), create);
                                        return *place.gallery;
                                      },
                                      list.photos,
                                      {.review = *review_from(args.review),
                                       .each = each,
                                       .reading = reading.callback(),
                                       .progress = bar.callback()});
  if (!args.json) {
    std::cout << counted(sum.enrolled, "face") << " enrolled, " << sum.known << " known already, of "
              << sum.named << " named in " << sum.tagged << " of " << counted(sum.photos, "photo") << " -> "
              << args.gallery.name() << '\n';
    tell_counts("not enrolled: ", left);
    if (sum.unnamed > 0) std::cout << counted(sum.unnamed, "face") << " marked without a name\n";
  }
  if (sum.photos > 0 && sum.unreadable == sum.photos) return Exit::kNoInput;
  return left.empty() && list.failed == 0 ? Exit::kDone : Exit::kSomeInputsFailed;
}

Exit gallery_export_xmp(const GalleryCommandArgs& args) {
  if (!args.file.empty()) OutputFolder::require_writable(args.file);
  ProgressBar bar("writing");
  std::map<std::string, std::size_t> left;  // by status
  SidecarOptions options;
  if (!args.file.empty()) options.folder = args.file;
  options.progress = bar.callback();
  options.each = [&](const NamedPhoto& photo) {
    const std::string status(to_string(photo.status));
    const bool done = photo.status == SidecarStatus::kWritten || photo.status == SidecarStatus::kUnchanged;
    if (!done) ++left[status];
    if (args.json) {
      Json line{{"file", photo.photo},
                {"sidecar", photo.sidecar.string()},
                {"faces", photo.faces},
                {"status", status}};
      if (photo.sidecar.empty()) line["sidecar"] = nullptr;
      if (!photo.why.empty()) line["why"] = photo.why;
      std::cout << dump_line(line) << '\n';
    } else if (!done) {
      bar.say("likeness: " + photo.photo + ": " + (photo.why.empty() ? status : photo.why));
    }
  };
  const Gallery gallery = args.gallery.open(true);
  const SidecarSummary sum = write_name_sidecars(gallery.store(), options);
  if (!args.json) {
    std::cout << counted(sum.written, "sidecar") << " written, " << sum.unchanged << " unchanged, of "
              << counted(sum.photos, "photo") << '\n';
    tell_counts("left: ", left);
  }
  return left.empty() ? Exit::kDone : Exit::kSomeInputsFailed;
}

}  // namespace likeness::cli
