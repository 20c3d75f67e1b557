#include "tests/http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <stdexcept>
#include <utility>

namespace likeness {

Connection::Connection(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("cannot connect to port " + std::to_string(port));
}

Connection::~Connection() { ::close(socket_); }

bool Connection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool Connection::read_more(std::chrono::steady_clock::time_point deadline) {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  pollfd wait{socket_, POLLIN, 0};
  if (left.count() <= 0 || ::poll(&wait, 1, static_cast<int>(left.count())) <= 0) return false;
  std::array<char, 65536> piece{};
  const ssize_t bytes = ::recv(socket_, piece.data(), piece.size(), 0);
  if (bytes <= 0) return false;
  buffer_.append(piece.data(), static_cast<std::size_t>(bytes));
  return true;
}

std::string Connection::read_until(std::string_view end, std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  std::size_t found = 0;
  while ((found = buffer_.find(end)) == std::string::npos) {
    if (!read_more(deadline)) return std::exchange(buffer_, "");
  }
  std::string text = buffer_.substr(0, found + end.size());
  buffer_.erase(0, found + end.size());
  return text;
}

std::size_t announced_length(std::string_view head) {
  constexpr std::string_view kName = "\r\ncontent-length:";
  const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
  const auto found = std::search(head.begin(), head.end(), kName.begin(), kName.end(), same);
  if (found == head.end()) return 0;
  return std::stoul(std::string(head.substr(static_cast<std::size_t>(found - head.begin()) + kName.size())));
}

std::string Connection::read_answer(std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  std::string answer = read_until("\r\n\r\n", patience);
  const std::size_t bytes = announced_length(answer);
  while (buffer_.size() < bytes && read_more(deadline)) {
  }
  answer += buffer_.substr(0, bytes);
  buffer_.erase(0, bytes);
  return answer;
}

bool Connection::closed(std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (read_more(deadline)) {
  }
  return std::chrono::steady_clock::now() < deadline;
}

std::string request_text(const std::string& method, const std::string& target, const std::string& body,
                         const std::string& type) {
  std::string text = method + " " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\n";
  if (!body.empty())
    text += "Content-Type: " + type + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  return text + "\r\n" + body;
}

std::string photo_request(const std::string& target, const std::string& photo, const std::string& person) {
  std::string body;
  if (!person.empty())
    body += "--b\r\nContent-Disposition: form-data; name=\"person\"\r\n\r\n" + person + "\r\n";
  body += "--b\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"p.png\"\r\n\r\n" + photo +
          "\r\n--b--\r\n";
  return request_text("POST", target, body, "multipart/form-data; boundary=b");
}

int status_of(const std::string& answer) {
  return answer.rfind("HTTP/1.", 0) == 0 && answer.size() > 12 ? std::stoi(answer.substr(9, 3)) : 0;
}

std::string body_of(const std::string& answer) {
  const std::size_t end = answer.find("\r\n\r\n");
  return end == std::string::npos ? "" : answer.substr(end + 4);
}

std::string ask(std::uint16_t port, const std::string& request) {
  Connection connection(port);
  connection.send(request);
  return connection.read_answer();
}

}  // namespace likeness
