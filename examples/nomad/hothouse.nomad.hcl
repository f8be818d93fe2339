# A host as a job of Nomad. The image is your own: it holds `hothouse`, the project in /srv/shop, and whatever its plugins
# need to run.
job "shop" {
  type = "service"

  group "shop" {
    count = 1 # a host and its plugins are one thing; two of them share nothing

    network {
      port "probes" {
        to = 9180
      }
    }

    service {
      name     = "shop"
      port     = "probes"
      provider = "nomad"

      # Is everything ready that is wanted?
      check {
        name     = "ready"
        type     = "http"
        path     = "/readyz"
        interval = "5s"
        timeout  = "6s"
      }

      # Does the host answer at all? If not, it is started again.
      check {
        name      = "live"
        type      = "http"
        path      = "/livez"
        interval  = "10s"
        timeout   = "6s"
        on_update = "ignore"

        check_restart {
          limit = 3
          grace = "300s" # as long as the start of everything may take
        }
      }
    }

    task "host" {
      driver = "docker"

      config {
        image   = "registry.example/shop:1"
        command = "hothouse"
        args    = ["up", "/srv/shop", "--probes", "0.0.0.0:9180"]
        ports   = ["probes"]
      }

      kill_signal = "SIGTERM"
      # Longer than all stops together: `hothouse limits` says how long each may take.
      kill_timeout = "120s"
    }
  }
}
