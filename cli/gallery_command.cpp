#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string_view>

#include "cli/gallery_parts.h"
#include "cli/photos.h"
#include "likeness/core/output.h"
#include "likeness/gallery/engines.h"
#include "likeness/gallery/exchange.h"
#include "likeness/gallery/open.h"
#include "likeness/gallery/vault.h"

namespace likeness::cli {

using Json = nlohmann::ordered_json;

CreateOptions GalleryCommandArgs::create_options() const {
  CreateOptions options;
  options.format = store_as == "int8" ? EmbeddingFormat::kInt8 : EmbeddingFormat::kF32;
  if (!encrypt) return options;
  options.passphrase = gallery_passphrase(gallery.key_file);
  if (!options.passphrase)
    throw std::invalid_argument("--encrypt needs a passphrase: --key-file FILE, or LIKENESS_GALLERY_KEY");
  return options;
}

void add_review_option(CLI::App& command, GalleryCommandArgs& args) {
  command.add_option("--review", args.review, "Refuse faces that are small, blurred, dark or turned away")
      ->check(CLI::IsMember({"off", "standard", "strict"}))
      ->capture_default_str();
}

void add_photo_options(CLI::App& command, GalleryCommandArgs& args) {
  add_detector_options(command, args.models);
  add_people_model_options(command, args.models);
  add_threads_option(command, args.models.threads);
}

void add_new_gallery_options(CLI::App& command, GalleryCommandArgs& args) {
  command.add_flag("--encrypt", args.encrypt,
                   "Where the gallery is new: encrypt names, paths and embeddings");
  command
      .add_option("--store", args.store_as,
                  "Where the gallery is new: embeddings as f32, or int8 (a quarter)")
      ->check(CLI::IsMember({"f32", "int8"}))
      ->capture_default_str();
}

namespace {

void require_person(bool found, const std::string& name) {
  if (!found) throw Error(ErrorCode::kInputUnreadable, "nobody called " + name + " is enrolled");
}

Exit list(const GalleryCommandArgs& args) {
  const Gallery gallery = args.gallery.open(true);
  const GalleryStore& store = gallery.store();
  const auto people = store.people();
  if (!args.name.empty()) {
    const auto person = store.find_person(args.name);
    require_person(person.has_value(), args.name);
    for (const StoredFace& face : store.faces(person->id)) {
      if (args.json) {
        std::cout << dump_line({{"face", face.id},
                                {"photo", face.photo},
                                {"sha256", face.photo_hash},
                                {"box", {face.box.left, face.box.top, face.box.right, face.box.bottom}},
                                {"size_px", face.quality.size_px},
                                {"sharpness", face.quality.sharpness},
                                {"brightness", face.quality.brightness},
                                {"yaw", face.quality.yaw},
                                {"added_ms", face.added_ms}})
                  << '\n';
      } else {
        std::cout << face.id << '\t' << face.photo << '\n';
      }
    }
    return Exit::kDone;
  }
  std::size_t width = 0;
  for (const Person& person : people) width = std::max(width, person.name.size());
  for (const Person& person : people) {
    if (args.json) {
      std::cout << dump_line({{"name", person.name}, {"faces", person.faces}}) << '\n';
    } else {
      std::cout << person.name << std::string(width + 2 - person.name.size(), ' ')
                << counted(static_cast<std::size_t>(person.faces), "face") << '\n';
    }
  }
  if (!args.json) {
    std::cout << people.size() << " people, " << counted(static_cast<std::size_t>(store.face_count()), "face")
              << ", model " << store.space().id() << " (" << store.space().precision << ")"
              << (store.encrypted() ? ", encrypted" : "") << '\n';
  }
  return Exit::kDone;
}

void report_done(const GalleryCommandArgs& args, Json line, const std::string& words) {
  if (args.json) {
    std::cout << dump_line(line) << std::endl;
  } else {
    std::cout << words << std::endl;
  }
}

Exit remove(const GalleryCommandArgs& args) {
  if (args.name.empty() == (args.face == 0)) throw std::invalid_argument("remove whom? A name, or --face ID");
  Gallery gallery = args.gallery.open(false);
  if (args.face != 0) {
    if (!gallery.remove_face(args.face)) {
      throw Error(ErrorCode::kInputUnreadable, "there is no face " + std::to_string(args.face));
    }
    report_done(args, {{"removed_face", args.face}}, "removed face " + std::to_string(args.face));
  } else {
    require_person(gallery.remove_person(args.name), args.name);
    report_done(args, {{"removed", args.name}}, "removed " + args.name);
  }
  gallery.purge();
  return Exit::kDone;
}

Exit rename(const GalleryCommandArgs& args) {
  Gallery gallery = args.gallery.open(false);
  require_person(gallery.rename_person(args.name, args.other_name), args.name);
  report_done(args, {{"renamed", args.name}, {"to", args.other_name}},
              args.name + " is now " + args.other_name);
  gallery.purge();
  return Exit::kDone;
}

Exit merge(const GalleryCommandArgs& args) {
  Gallery gallery = args.gallery.open(false);
  require_person(gallery.store().find_person(args.other_name).has_value(), args.other_name);
  require_person(gallery.merge_people(args.name, args.other_name), args.name);
  report_done(args, {{"merged", args.name}, {"into", args.other_name}}, args.name + " is " + args.other_name);
  gallery.purge();
  return Exit::kDone;
}

Exit backup(const GalleryCommandArgs& args) {
  require_writable(args.file);
  backup_gallery(args.gallery.path.string(), args.file);
  report_done(args, {{"backup", args.gallery.path.string()}, {"output", args.file.string()}},
              args.gallery.path.string() + " -> " + args.file.string());
  return Exit::kDone;
}

Exit restore(const GalleryCommandArgs& args) {
  restore_gallery(args.gallery.path.string(), args.file);
  report_done(args, {{"restored", args.gallery.path.string()}, {"from", args.file.string()}},
              args.gallery.path.string() + " is what it was when " + args.file.string() + " was made");
  return Exit::kDone;
}

Exit purge(const GalleryCommandArgs& args) {
  Gallery gallery = args.gallery.open(false);
  gallery.purge({}, true);
  report_done(args, {{"purged", gallery.store().name()}},
              gallery.store().name() + ": no byte of what was removed is left");
  return Exit::kDone;
}

Exit run_export(const GalleryCommandArgs& args) {
  if (args.xmp) return gallery_export_xmp(args);
  if (args.file.empty()) throw std::invalid_argument("where to? -o FILE, or --xmp");
  require_writable(args.file);
  std::error_code ignored;
  if (std::filesystem::equivalent(args.file, args.gallery.path, ignored))
    throw Error(ErrorCode::kOutputUnwritable,
                args.file.string() + " is the gallery itself; choose another file");
  const auto write = args.engine == "pgvector" ? export_for_pgvector
                     : args.engine == "milvus" ? export_for_milvus
                                               : export_gallery;
  const std::size_t faces = write(args.gallery.open(true).store(), args.file);
  report_done(args, {{"faces", faces}, {"output", args.file.string()}},
              counted(faces, "face") + " -> " + args.file.string());
  return Exit::kDone;
}

bool is_parquet(const std::filesystem::path& file) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(file, ignored)) {
    std::array<char, 4> start{};
    std::ifstream(file, std::ios::binary).read(start.data(), start.size());
    return file.extension() == ".parquet" || std::string_view(start.data(), start.size()) == "PAR1";
  }
  const std::filesystem::directory_iterator files(file, ignored);
  return std::any_of(begin(files), end(files),
                     [](const auto& entry) { return entry.path().extension() == ".parquet"; });
}

Exit run_import(const GalleryCommandArgs& args) {
  if (is_parquet(args.file)) {
    throw Error(ErrorCode::kUnsupported,
                args.file.string() + ": Parquet is read by the Python package: python -m likeness import " +
                    args.file.string() + " --gallery " + args.gallery.name());
  }
  args.gallery.require_writable();
  const EmbeddingSpace space = space_of_npz(args.file);
  Gallery gallery = args.gallery.open_or_create(space, args.create_options());
  const Imported imported = import_gallery(gallery.store(), args.file);
  report_done(
      args, {{"added", imported.added}, {"known", imported.known}},
      counted(imported.added, "face") + " added, " + std::to_string(imported.known) + " known already");
  return Exit::kDone;
}

// ---- options ----

CLI::App* subcommand(CLI::App& gallery, const char* name, const char* words, const char* example,
                     const std::shared_ptr<GalleryCommandArgs>& args, Exit (*run)(const GalleryCommandArgs&),
                     Exit& exit) {
  CLI::App* command = gallery.add_subcommand(name, words);
  command->footer(std::string("Example: likeness gallery ") + name + " " + example);
  add_gallery_option(*command, args->gallery);
  add_json_option(*command, args->json);
  command->callback([args, run, &exit] { exit = run(*args); });
  return command;
}

/// What concerns the gallery as a whole.
void add_upkeep(CLI::App& gallery, const std::shared_ptr<GalleryCommandArgs>& args, Exit& exit) {
  subcommand(gallery, "purge",
             "Leave no byte of removed people and faces in the files; remove, rename and merge do it anyway",
             "--gallery people.gallery", args, purge, exit);
  CLI::App* command = gallery.add_subcommand("backup", "Copy a gallery, also while others write to it");
  command->footer("Example: likeness gallery backup people.gallery 2026-11-27.gallery");
  command->add_option("from", args->gallery.path, "The gallery's file")->required();
  command->add_option("to", args->file, "The copy, which must not be there; a gallery as any other")
      ->required();
  add_json_option(*command, args->json);
  command->callback([args, &exit] { exit = backup(*args); });
  command = gallery.add_subcommand(
      "restore", "Put a backup back, also while others read; who was removed since returns");
  command->footer("Example: likeness gallery restore people.gallery 2026-11-27.gallery");
  command->add_option("gallery", args->gallery.path, "The gallery's file")->required();
  command->add_option("copy", args->file, "What backup wrote of it; stays as it is")->required();
  add_json_option(*command, args->json);
  command->callback([args, &exit] { exit = restore(*args); });
  command = gallery.add_subcommand(
      "copy",
      "Copy people and faces into another gallery, between files and databases; goes on where it stopped");
  command->footer("Example: likeness gallery copy people.gallery postgresql://db/faces?gallery=people");
  command
      ->add_option("from", args->gallery.path, "A gallery's file, or postgresql://HOST/DATABASE?gallery=NAME")
      ->required();
  command
      ->add_option("to", args->file, "The same; made where there is none, encrypted where the first one is")
      ->required();
  command->add_option("--key-file", args->gallery.key_file,
                      "File whose first line is the passphrase of both; else LIKENESS_GALLERY_KEY");
  command->add_option(
      "--new-key-file", args->new_key_file,
      "File whose first line is the copy's passphrase, where it is another one: the copy is encrypted");
  add_json_option(*command, args->json);
  command->callback([args, &exit] { exit = gallery_copy(*args); });
  command =
      subcommand(gallery, "migrate",
                 "Embed a gallery's faces anew from their photos, with another model, into a new gallery",
                 "--gallery old.gallery --into people.gallery", args, gallery_migrate, exit);
  command->add_option("--into", args->file, "The new gallery; faces that it has already stay")->required();
  add_new_gallery_options(*command, *args);
  add_photo_options(*command, *args);
  command = subcommand(gallery, "export",
                       "Write all faces as .npz, for another engine, or names as XMP (not encrypted)",
                       "-o people.npz --gallery people.gallery", args, run_export, exit);
  command->add_option("-o,--output", args->file,
                      "The file to write; with --xmp a folder, else sidecars go beside the photos");
  CLI::Option* engine =
      command
          ->add_option(
              "--to", args->engine,
              "Another engine: text for psql and pgvector, or the JSON that Milvus imports, instead of .npz")
          ->check(CLI::IsMember({"pgvector", "milvus"}));
  command
      ->add_flag("--xmp", args->xmp,
                 "Write who is where into XMP sidecars (photo.jpg.xmp, regions of the Metadata Working "
                 "Group); what a sidecar holds already stays")
      ->excludes(engine);
  command =
      subcommand(gallery, "import", "Enrol what export or embed wrote (of train and val, the train part)",
                 "people.npz --gallery people.gallery", args, run_import, exit);
  command->add_option("file", args->file, "The .npz to read")->required();
  add_new_gallery_options(*command, *args);
  command = subcommand(gallery, "check", "Read everything and say what is wrong", "--gallery people.gallery",
                       args, gallery_check, exit);
  command->add_flag("--repair", args->repair,
                    "Make one of people whose names are alike, and remove faces that are there twice; all "
                    "are listed first");
}

}  // namespace

void add_gallery_command(CLI::App& app, Exit& exit) {
  CLI::App* gallery = app.add_subcommand("gallery", "People and their faces: enrol, find, calibrate");
  gallery->require_subcommand(1);
  gallery->footer(
      "Example: likeness gallery add my_photos --gallery people.gallery     (my_photos/PERSON/photo.jpg)");
  const auto args = std::make_shared<GalleryCommandArgs>();

  CLI::App* command = subcommand(*gallery, "add", "Enrol photos, or a folder with a folder per person",
                                 "my_photos --gallery people.gallery     (my_photos/PERSON/photo.jpg)", args,
                                 gallery_add, exit);
  command->add_option("inputs", args->inputs, "Photos or folders")->required();
  CLI::Option* name = command->add_option("--name", args->name,
                                          "Whose photos they are; without it, every subfolder is a person");
  command
      ->add_flag("--from-xmp", args->xmp,
                 "Who is where stands in the photos' XMP or their sidecars, as digiKam, Lightroom and others "
                 "write it (face regions)")
      ->excludes(name);
  add_review_option(*command, *args);
  command
      ->add_option(
          "--quality", args->quality,
          "Where the gallery is new: look at each face once (single), or average over two views, or over "
          "four (best); `search` and all others do as the gallery does [single]")
      ->check(CLI::IsMember({"single", "two", "best"}));
  command->add_flag("--verbose", args->verbose, "Tell of each photo, not only of those that were refused");
  add_new_gallery_options(*command, *args);
  add_photo_options(*command, *args);

  command = subcommand(*gallery, "search", "Who is in the photos, or nobody",
                       "party.jpg --gallery people.gallery", args, gallery_search, exit);
  command->add_option("photos", args->inputs, "Photos, or folders of photos")->required();
  command->add_option("--index", args->index, "How to search; by default as fits the gallery's size")
      ->check(CLI::IsMember({"exact", "int8", "sketch"}));
  add_photo_options(*command, *args);

  command = subcommand(*gallery, "calibrate", "Find the similarity from which on a face gets a name",
                       "--gallery people.gallery --impostors strangers/ --target-fpir 0.01", args,
                       gallery_calibrate, exit);
  command->add_option("--target-fpir", args->calibration.target_fpir, "Share of strangers who may get a name")
      ->check(CLI::Range(1e-9, 0.999999))
      ->capture_default_str();
  command->add_option(
      "--impostors", args->impostors,
      "Faces of people who are not enrolled: a folder (of a folder per person), or embeddings .npz");
  command->add_flag("--leave-one-out", args->leave_one_out,
                    "Instead: each enrolled person is a stranger to the others");
  command->add_option("--exclude", args->exclude, "File of names or photos to leave out, one a line");
  add_photo_options(*command, *args);

  command = subcommand(*gallery, "list", "Everybody, or one person's faces", "Ann --gallery people.gallery",
                       args, list, exit);
  command->add_option("name", args->name, "A person");
  command = subcommand(*gallery, "remove", "Remove a person or a face", "Ann --gallery people.gallery", args,
                       remove, exit);
  command->add_option("name", args->name, "A person");
  command->add_option("--face", args->face, "A face's number, as `list NAME` shows it");
  command = subcommand(*gallery, "rename", "Give a person another name",
                       "\"person 3\" Ann --gallery people.gallery", args, rename, exit);
  command->add_option("from", args->name, "Name now")->required();
  command->add_option("to", args->other_name, "New name")->required();
  command = subcommand(*gallery, "merge", "Two names, one person: give all faces to one",
                       "Annie Ann --gallery people.gallery", args, merge, exit);
  command->add_option("from", args->name, "Who will be gone")->required();
  command->add_option("into", args->other_name, "Who gets the faces")->required();
  add_upkeep(*gallery, args, exit);
}

}  // namespace likeness::cli
