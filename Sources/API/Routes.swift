import HTTP
import HTTPTypes

/// The table of addresses, the whole of it.
enum Routes {
    static var router: Router<APIHandler.Endpoint> {
        var router = Router<APIHandler.Endpoint>()
        router.add(.post, "/v1/tasks", .working { try await $0.createTask($1) })
        router.add(.get, "/v1/tasks", .blocking { try $0.listTasks($1) })
        router.add(.get, "/v1/tasks/{task}", .blocking { try $0.showTask($1) })
        router.add(.delete, "/v1/tasks/{task}", .blocking { try $0.deleteTask($1) })
        router.add(.get, "/v1/tasks/{task}/adapter", .blocking { try $0.downloadAdapter($1) })
        router.add(.delete, "/v1/tasks/{task}/adapter", .blocking { try $0.deleteVersion($1) })
        router.add(.put, "/v1/tasks/{task}/served_version", .blocking { try $0.serveVersion($1) })
        router.add(.post, "/v1/tasks/{task}/support", .working { try await $0.addSupport($1) })
        router.add(.get, "/v1/tasks/{task}/support/{stem}/image", .blocking { try $0.supportFile($1, isMask: false) })
        router.add(.get, "/v1/tasks/{task}/support/{stem}/mask", .blocking { try $0.supportFile($1, isMask: true) })
        router.add(.post, "/v1/tasks/{task}/segment", .working { try await $0.segmentForTask($1) })

        router.add(.get, "/v1/jobs", .blocking { try $0.listJobs($1) })
        router.add(.get, "/v1/jobs/{job}", .blocking { try $0.showJob($1) })
        router.add(.delete, "/v1/jobs/{job}", .blocking { try $0.cancelJob($1) })
        router.add(.get, "/v1/jobs/{job}/events", .streaming { try $0.streamJob($1, to: $2) })

        router.add(.post, "/v1/segment", .working { try await $0.segmentWithBase($1) })
        router.add(.post, "/v1/verify", .working { try await $0.verify($1) })
        router.add(.post, "/v1/images", .working { try await $0.uploadImage($1) })
        router.add(.get, "/v1/images/{image}", .blocking { try $0.downloadImage($1) })
        router.add(.delete, "/v1/images/{image}", .blocking { try $0.deleteImage($1) })
        router.add(.get, "/v1/models", .blocking { try $0.listModels($1) })

        router.add(.get, "/v1/whoami", .blocking { try $0.whoami($1) })

        router.add(.get, "/healthz", .immediate { try $0.health($1) })
        router.add(.get, "/readyz", .blocking { try $0.readiness($1) })
        router.add(.get, "/metrics", .blocking { try $0.metrics($1) })
        router.add(.get, "/openapi.yaml", .immediate { try $0.contract($1) })
        router.add(.get, "/problems", .immediate { try $0.listProblems($1) })
        router.add(.get, "/problems/{kind}", .immediate { try $0.showProblem($1) })
        return router
    }
}
