# The program alone, as a user without rights; the database is a service of its own.
#
#   docker build --tag agora-usage .                                compiles it
#   docker build --target prebuilt --file Dockerfile FOLDER         takes FOLDER/agora-usage
#
# The image needs no writable file system but /reports and /tmp.

ARG BUILD_IMAGE=rust:1.95-slim-bookworm
ARG BASE_IMAGE=debian:bookworm-slim

FROM ${BASE_IMAGE} AS base
# The authorities that the platform's certificate is checked against, where the base
# has none. A user by number, so that Kubernetes can tell that it is not root.
RUN if [ ! -s /etc/ssl/certs/ca-certificates.crt ]; then \
        apt-get update \
        && apt-get install --yes --no-install-recommends ca-certificates \
        && rm -rf /var/lib/apt/lists/*; \
    fi \
    && groupadd --system --gid 10001 agora-usage \
    && useradd --system --uid 10001 --gid 10001 --no-create-home \
        --home-dir /var/lib/agora-usage --shell /usr/sbin/nologin agora-usage \
    && install --directory --owner agora-usage --group agora-usage /var/lib/agora-usage /reports
USER 10001:10001
WORKDIR /var/lib/agora-usage
# Inside a container the address decides nothing: what is published does.
ENV AGORA_USAGE_REPORT_FOLDER=/reports \
    AGORA_USAGE_LISTEN_ADDRESS=0.0.0.0:9464
VOLUME /reports
EXPOSE 9464
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["agora-usage", "health"]
ENTRYPOINT ["agora-usage"]
CMD ["--help"]

# An engine without BuildKit builds every stage that comes before the one it is asked
# for. So this one comes before the stage that compiles, and does not fail where there
# is no program yet: of its two patterns one finds something in either folder.
FROM base AS prebuilt
COPY agora-usag[e] Cargo.tom[l] /usr/local/bin/

FROM ${BUILD_IMAGE} AS build
WORKDIR /source
COPY Cargo.toml Cargo.lock ./
# The dependencies first: they change rarely, and take most of the time.
RUN mkdir src && touch src/lib.rs && echo 'fn main() {}' > src/main.rs \
    && cargo build --release --locked --bin agora-usage \
    && rm -r src
COPY migrations migrations
COPY pricebooks pricebooks
COPY queries queries
COPY deploy deploy
COPY src src
RUN touch src/lib.rs src/main.rs && cargo build --release --locked --bin agora-usage

FROM base AS program
COPY --from=build /source/target/release/agora-usage /usr/local/bin/agora-usage
