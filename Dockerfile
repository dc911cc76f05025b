# The program alone, as a user without rights; the database is a service of its own.

FROM rust:1.95-slim-bookworm AS build
WORKDIR /source
COPY Cargo.toml Cargo.lock ./
# The dependencies first: they change rarely, and take most of the time.
RUN mkdir src && touch src/lib.rs && echo 'fn main() {}' > src/main.rs \
    && cargo build --release --locked \
    && rm -r src
COPY migrations migrations
COPY pricebooks pricebooks
COPY queries queries
COPY src src
RUN touch src/lib.rs src/main.rs && cargo build --release --locked

FROM debian:bookworm-slim
# The authorities that the platform's certificate is checked against.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --create-home --home-dir /var/lib/agora-usage agora-usage \
    && install --directory --owner agora-usage --group agora-usage /reports
COPY --from=build /source/target/release/agora-usage /usr/local/bin/agora-usage
USER agora-usage
WORKDIR /var/lib/agora-usage
ENV AGORA_USAGE_REPORT_FOLDER=/reports
VOLUME /reports
ENTRYPOINT ["agora-usage"]
CMD ["--help"]
