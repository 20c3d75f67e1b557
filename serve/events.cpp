#include "serve/events.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "likeness/core/now.h"

namespace likeness::serve {
namespace {

constexpr std::size_t kMostWaiting = 1000;  ///< Events of one listener.
constexpr std::size_t kMostListeners = 64;

}  // namespace

std::string event_text(const Event& event, std::int64_t time_ms) {
  nlohmann::ordered_json json{{"kind", event.kind}, {"gallery", event.gallery}, {"time_ms", time_ms}};
  json.update(event.data);
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

class EventHub::Stream : public EventStream {
 public:
  Stream(std::string gallery, Lost lost) : gallery_(std::move(gallery)), lost_(std::move(lost)) {}

  void add(std::uint64_t id, const Event& event, const std::string& body) {
    std::function<void()> wake;
    {
      const std::lock_guard lock(mutex_);
      if (event.gallery != gallery_) return;
      if (waiting_.size() == kMostWaiting) {
        waiting_.pop_front();
        if (lost_) lost_();
      }
      waiting_.push_back("id: " + std::to_string(id) + "\nevent: " + event.kind + "\ndata: " + body + "\n\n");
      wake = std::exchange(wake_, nullptr);
    }
    if (wake) wake();
  }

  void end() {
    std::function<void()> wake;
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
      wake = std::exchange(wake_, nullptr);
    }
    if (wake) wake();
  }

  std::string take() override {
    const std::lock_guard lock(mutex_);
    std::string text;
    for (const std::string& event : waiting_) text += event;
    waiting_.clear();
    return text;
  }

  void on_more(std::function<void()> wake) override {
    {
      const std::lock_guard lock(mutex_);
      if (waiting_.empty() && !ended_) {
        wake_ = std::move(wake);
        return;
      }
    }
    wake();
  }

  bool ended() const override {
    const std::lock_guard lock(mutex_);
    return ended_;
  }

 private:
  mutable std::mutex mutex_;
  std::string gallery_;
  Lost lost_;
  std::deque<std::string> waiting_;
  std::function<void()> wake_;
  bool ended_ = false;
};

EventHub::EventHub(Lost lost) : lost_(std::move(lost)) {}
EventHub::~EventHub() { end(); }

void EventHub::publish(const Event& event) {
  const std::string body = event_text(event, now_ms());
  std::vector<std::shared_ptr<Stream>> streams;
  std::uint64_t id = 0;
  {
    const std::lock_guard lock(mutex_);
    id = next_++;
    std::erase_if(streams_, [](const auto& stream) { return stream.expired(); });
    for (const auto& stream : streams_) {
      if (auto alive = stream.lock()) streams.push_back(std::move(alive));
    }
  }
  for (const auto& stream : streams) stream->add(id, event, body);
  for (const auto& hook : hooks_) hook(event);
}

std::shared_ptr<EventStream> EventHub::listen(const std::string& gallery) {
  const std::lock_guard lock(mutex_);
  std::erase_if(streams_, [](const auto& stream) { return stream.expired(); });
  if (ended_ || streams_.size() >= kMostListeners) return nullptr;
  auto stream = std::make_shared<Stream>(gallery, lost_);
  streams_.push_back(stream);
  return stream;
}

void EventHub::add_hook(std::function<void(const Event&)> hook) { hooks_.push_back(std::move(hook)); }

void EventHub::end() {
  std::vector<std::weak_ptr<Stream>> streams;
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    streams = streams_;
  }
  for (const auto& stream : streams) {
    if (const auto alive = stream.lock()) alive->end();
  }
}

// ---- Webhook ----

std::string hmac_sha256(std::string_view key, std::string_view text) {
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, reinterpret_cast<const unsigned char*>(key.data()), key.size());
  crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  std::array<unsigned char, crypto_auth_hmacsha256_BYTES> sum{};
  crypto_auth_hmacsha256_final(&state, sum.data());
  std::array<char, 2 * crypto_auth_hmacsha256_BYTES + 1> digits{};
  sodium_bin2hex(digits.data(), digits.size(), sum.data(), sum.size());
  return digits.data();
}

Webhook::Webhook(Options options, Post post, EventHub::Lost lost)
    : options_(std::move(options)),
      post_(std::move(post)),
      lost_(std::move(lost)),
      thread_([this](const std::stop_token& stop) { work(stop); }) {}

Webhook::~Webhook() {
  thread_.request_stop();
  more_.notify_all();
}

void Webhook::send(const Event& event) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() == kMostWaiting) {
      waiting_.pop_front();
      if (lost_) lost_();
    }
    waiting_.push_back(event_text(event, now_ms()));
  }
  more_.notify_one();
}

void Webhook::work(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::string body;
    {
      std::unique_lock lock(mutex_);
      if (!more_.wait(lock, stop, [this] { return !waiting_.empty(); })) return;
      body = std::move(waiting_.front());
      waiting_.pop_front();
    }
    if (!deliver(body, stop) && lost_) lost_();
  }
}

bool Webhook::deliver(const std::string& body, const std::stop_token& stop) {
  const std::string time = std::to_string(now_ms());
  const Fields headers{{"Content-Type", "application/json"},
                       {"X-Likeness-Time", time},
                       {"X-Likeness-Signature", "sha256=" + hmac_sha256(options_.secret, time + "." + body)}};
  for (int attempt = 0; attempt < 3; ++attempt) {
    if (attempt > 0) {
      std::unique_lock lock(mutex_);
      more_.wait_for(lock, stop, std::chrono::seconds(attempt), [] { return false; });
      if (stop.stop_requested()) return false;
    }
    try {
      const int status = post_(options_.url, headers, body);
      if (status >= 200 && status < 300) return true;
    } catch (const std::exception&) {  // tried again
    }
  }
  return false;
}

}  // namespace likeness::serve
