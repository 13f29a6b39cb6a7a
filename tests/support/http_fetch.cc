#include "tests/support/http_fetch.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "absl/strings/str_format.h"
#include "gtest/gtest.h"
#include "tests/support/await.h"

namespace tidemark::support {

HttpReply HttpFetch(std::uint16_t port, std::string_view path, std::string_view method) {
  return HttpExchange(
      port, absl::StrFormat("%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                            method, path));
}

HttpReply HttpExchange(std::uint16_t port, std::string_view request) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval patience{.tv_sec = kLongWait.count(), .tv_usec = 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  HttpReply reply;
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    close(fd);
    ADD_FAILURE() << "cannot connect to port " << port;
    return reply;
  }
  send(fd, request.data(), request.size(), MSG_NOSIGNAL);
  std::string text;
  std::array<char, 4096> chunk{};
  for (;;) {
    const ssize_t got = recv(fd, chunk.data(), chunk.size(), 0);
    if (got <= 0) {
      EXPECT_EQ(got, 0) << "no end of the reply to " << request;
      break;
    }
    text.append(chunk.data(), static_cast<std::size_t>(got));
  }
  close(fd);
  const std::size_t blank = text.find("\r\n\r\n");
  if (text.rfind("HTTP/1.1 ", 0) != 0 || blank == std::string::npos) return reply;
  reply.status = std::atoi(text.c_str() + 9);
  reply.head = text.substr(0, blank + 2);
  reply.body = text.substr(blank + 4);
  return reply;
}

}  // namespace tidemark::support
