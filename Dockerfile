# syntax=docker/dockerfile:1
# The server with its dashboard: docker build -t bellwire .

FROM node:22-bookworm-slim AS dashboard
WORKDIR /src
COPY dashboard/package.json dashboard/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY dashboard ./
RUN npm run build && rm -r dist/.vite

FROM rust:1.95-bookworm AS server
WORKDIR /src
COPY . .
COPY --from=dashboard /src/dist dashboard/dist
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked -p bellwire && cp target/release/bellwire /usr/local/bin/

FROM debian:bookworm-slim
# Authorities, for the https endpoints of webhooks.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && \
    rm -rf /var/lib/apt/lists/* && \
    useradd --system --uid 10001 --home-dir /var/lib/bellwire --create-home bellwire
COPY --from=server /usr/local/bin/bellwire /usr/local/bin/
USER 10001
WORKDIR /var/lib/bellwire
# SQLite, if there is no other database; of a node of a cluster, only a lock.
VOLUME /var/lib/bellwire
ENV BELLWIRE_DATA_DIR=/var/lib/bellwire
EXPOSE 6001
ENTRYPOINT ["bellwire"]
CMD ["serve"]
