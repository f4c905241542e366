# Built in stages: dependencies are compiled once and kept while only our own code changes.
FROM rust:1.95-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
RUN mkdir -p src tests/it && echo 'fn main() {}' > src/main.rs && touch src/lib.rs && echo 'fn main() {}' > tests/it/main.rs \
    && cargo build --release --locked && rm -rf src tests
COPY . .
RUN touch src/main.rs src/lib.rs && cargo build --release --locked

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates curl && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /fuwu --create-home fuwu
WORKDIR /fuwu
COPY --from=build /src/target/release/fuwu /usr/local/bin/fuwu
COPY --chown=fuwu:fuwu config ./config
COPY --chown=fuwu:fuwu menus ./menus
USER fuwu
ENV FUWU__SERVER__LISTEN=0.0.0.0:8080
VOLUME /fuwu/data
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=3s --start-period=5s CMD curl -fsS http://127.0.0.1:8080/readyz || exit 1
ENTRYPOINT ["fuwu"]
