# Two stages: the first builds, the second holds the program and nothing else: no shell, no package
# manager, not root.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY src src
COPY config config
COPY migrations migrations
COPY benches benches
COPY .config .config
RUN cargo build --release --locked --bin pressgate

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /src/target/release/pressgate /usr/local/bin/pressgate
WORKDIR /var/lib/pressgate
# Metrics are for the network of the containers: publish 8080, and not 9464.
ENV PRESSGATE__SERVER__LISTEN=0.0.0.0:8080 \
    PRESSGATE__METRICS__LISTEN=0.0.0.0:9464 \
    PRESSGATE__LOG__FORMAT=json
# A container listens on all its addresses, so it runs live: give it PRESSGATE__KEYS__MASTER,
# PRESSGATE__SERVER__PUBLIC_URL and PRESSGATE__DATABASE__URL.
ENV PRESSGATE__MODE=live
EXPOSE 8080 9464
HEALTHCHECK --interval=10s --timeout=6s --start-period=10s CMD ["/usr/local/bin/pressgate", "probe"]
ENTRYPOINT ["/usr/local/bin/pressgate"]
CMD ["serve"]
