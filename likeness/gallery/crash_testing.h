#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>

#include "likeness/gallery/calibration.h"
#include "likeness/gallery/store_testing.h"
#include "likeness/gallery/synthetic.h"

namespace likeness {

/// One change of the gallery. The worker tells it over a pipe before it begins, and again once it has
/// returned: killed between the two, before and after are both right, anything else is not.
struct Change {
  enum class What { kEnrol, kRemove, kMerge, kCalibrate } what = What::kEnrol;
  int person = 0;
  int into = 0;   // merge: who gets the person's photos
  int photo = 0;  // enrol
  bool returned = false;
};

/// Photo -> person. People are there as long as they have a photo.
using Content = std::map<int, int>;

inline Content after(Content content, const Change& change) {
  const auto has_photos = [&](int person) {
    return std::ranges::any_of(content, [&](const auto& entry) { return entry.second == person; });
  };
  switch (change.what) {
    case Change::What::kEnrol:
      content[change.photo] = change.person;
      break;
    case Change::What::kRemove:
      std::erase_if(content, [&](const auto& entry) { return entry.second == change.person; });
      break;
    case Change::What::kMerge:
      if (!has_photos(change.into)) break;  // nobody to merge into: refused
      for (auto& [photo, person] : content) {
        if (person == change.person) person = change.into;
      }
      break;
    case Change::What::kCalibrate:
      break;
  }
  return content;
}

inline std::string name_of(int person) { return "P" + std::to_string(person); }

/// Reads every face; one that is there twice counts as wrong.
inline Content content_of(const GalleryStore& store) {
  Content content;
  for (const Person& person : store.people()) {
    for (const StoredFace& face : store.faces(person.id)) {
      const bool once = content.emplace(std::stoi(face.photo_hash), std::stoi(person.name.substr(1))).second;
      EXPECT_TRUE(once) << "photo " << face.photo_hash << " is there twice";
    }
  }
  EXPECT_EQ(content.size(), static_cast<std::size_t>(store.face_count()));
  return content;
}

using OpenStore = std::function<std::unique_ptr<GalleryStore>()>;

/// Who works on a gallery, and with what; no two have a person or a photo in common.
struct Job {
  std::uint32_t seed = 0;
  int photo = 0;         ///< Numbers of photos start above it,
  int first_person = 0;  ///< and those of its 20 people with it.
};

/// Changes the gallery until it is killed, or an error ends it.
[[noreturn]] inline void work(GalleryStore& store, int pipe, const Job& job) {
  const std::uint32_t seed = job.seed;
  int photo = job.photo;
  const Embeddings faces = synthetic_faces(50, 1, 128, seed);
  std::mt19937 random(seed);
  const auto tell = [&](const Change& change) {
    if (::write(pipe, &change, sizeof change) != sizeof change) ::_exit(1);
  };
  for (;;) {
    Change change;
    change.person = job.first_person + static_cast<int>(random() % 20);
    change.into = job.first_person + static_cast<int>(random() % 20);
    const auto dice = random() % 20;
    if (dice < 14) {
      change.photo = ++photo;
    } else if (dice < 16) {
      change.what = Change::What::kRemove;
    } else if (dice < 19 && change.person != change.into) {
      change.what = Change::What::kMerge;
    } else {
      change.what = Change::What::kCalibrate;
    }
    tell(change);
    if (change.what == Change::What::kEnrol) {
      NewFace face;
      face.photo_hash = hash_of(photo);
      face.embedding = faces[random() % faces.size()];
      store.add_faces(name_of(change.person), std::span(&face, 1));
    } else if (change.what == Change::What::kRemove) {
      store.remove_person(name_of(change.person));
    } else if (change.what == Change::What::kMerge) {
      store.merge_people(name_of(change.person), name_of(change.into));
    } else {
      Calibration calibration;
      calibration.slope = 1;
      store.set_note("calibration", to_json(calibration));
    }
    change.returned = true;
    tell(change);
  }
}

/// What is known of a gallery from what its worker told.
struct Told {
  Content content;
  std::optional<Change> begun;
  bool calibrated = false;
  int returned = 0;

  void learn(const Change& change) {
    begun = change.returned ? std::nullopt : std::optional(change);
    if (!change.returned) return;
    content = after(std::move(content), change);
    calibrated = calibrated || change.what == Change::What::kCalibrate;
    ++returned;
  }
};

/// A process that works on a gallery and tells what it does.
class Worker {
 public:
  Worker(const OpenStore& open, const Job& job) {
    if (::pipe(pipe_) != 0) throw std::runtime_error("no pipe");
    child_ = ::fork();
    if (child_ != 0) {
      ::close(pipe_[1]);
      return;
    }
    ::close(pipe_[0]);
    int code = 1;
    try {
      work(*open(), pipe_[1], job);
    } catch (const Error& error) {
      // The server is gone: what this process is there for, in some tests.
      if (error.code() == ErrorCode::kUnavailable) code = kUnavailable;
      if (code == 1) ADD_FAILURE() << error.what();
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();  // on the standard output that both have
    }
    ::_exit(code);  // never back into the test
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker() {
    if (child_ > 0) end(SIGKILL);
    ::close(pipe_[0]);
  }

  /// Learns of changes until so many more have returned. False where the worker has ended.
  [[nodiscard]] bool learn(Told& told, int more) {
    Change change;
    for (const int enough = told.returned + more; told.returned < enough;) {
      if (::read(pipe_[0], &change, sizeof change) != sizeof change) return false;
      told.learn(change);
    }
    return true;
  }
  /// Sends a signal (0: none) and waits for the end. @returns its exit code, or 128 and the signal.
  int end(int signal) {
    if (signal != 0) ::kill(child_, signal);
    int status = 0;
    ::waitpid(std::exchange(child_, 0), &status, 0);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
  /// What it told before its end.
  void learn_rest(Told& told) {
    Change change;
    while (::read(pipe_[0], &change, sizeof change) == sizeof change) told.learn(change);
  }

  static constexpr int kUnavailable = 6;

 private:
  int pipe_[2] = {-1, -1};
  pid_t child_ = 0;
};

/// What one worker told holds: all that returned, and of what had begun all or nothing.
inline void expect_kept(Told& told, const Content& found) {
  if (told.begun && found != told.content) told.content = after(std::move(told.content), *told.begun);
  ASSERT_EQ(found, told.content);
  told.begun.reset();
}

/// Kills a process that works on the gallery, again and again, at some moment after some number of changes:
/// however slow the machine is, work was going on.
inline void kill_workers(const OpenStore& open, int rounds) {
  Told told;
  std::mt19937 random(2024);
  for (int round = 0; round < rounds; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    Worker worker(open, {.seed = static_cast<std::uint32_t>(round), .photo = 1'000'000 * round});
    ASSERT_TRUE(worker.learn(told, 2 + static_cast<int>(random() % 30))) << "the worker ended";
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 3000));
    ASSERT_EQ(worker.end(SIGKILL), 128 + SIGKILL) << "the worker ended by itself";
    worker.learn_rest(told);
    const auto store = open();
    const auto wrong = store->check();
    ASSERT_TRUE(wrong.empty()) << wrong.front();
    ASSERT_NO_FATAL_FAILURE(expect_kept(told, content_of(*store)));
    if (!told.calibrated) continue;
    const auto note = store->note("calibration");
    ASSERT_TRUE(note);
    EXPECT_EQ(calibration_from_json(*note, "note")->slope, 1);
  }
}

}  // namespace likeness
