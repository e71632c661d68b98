using System.Text;
using CozeCluster.TestKit;

namespace CozeCluster.Upstreams.Tests.Coze;

public sealed class CozeFilesTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public async Task Open_Blob_IsUploadedAndSentAsFileId()
    {
        await using var server = await Start();
        using var rig = new CozeRig(server.BaseUrl, _time);

        await rig.Run(rig.Turn(CozeRig.User(new TextContent("Look"), new ImageContent(await Blob(rig, "报告 \"1\".png", "image/png")))));

        var upload = server.Requests.First();
        Assert.Equal(("POST", "/v1/files/upload", "Bearer pat_sandbox"), (upload.Method, upload.Path, upload.Authorization));
        Assert.Equal(upload.Body.Length.ToString(), upload.Headers["Content-Length"]);
        var boundary = upload.Headers["Content-Type"]["multipart/form-data; boundary=".Length..];
        Assert.Equal(
            $"--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"报告 %221%22.png\"\r\n"
            + $"Content-Type: image/png\r\n\r\nbytes of it\r\n--{boundary}--\r\n",
            upload.Text);
        Assert.Equal(
            """[{"type":"text","text":"Look"},{"type":"image","file_id":"734"}]""",
            (string?)server.Requests.Last().Json["additional_messages"]![0]!["content"]);
    }

    [Fact]
    public async Task Open_SameBlob_IsUploadedOncePerAccountAndDay()
    {
        await using var server = await Start();
        using var rig = new CozeRig(server.BaseUrl, _time);
        var file = new FileContent(await Blob(rig, "a.pdf", "application/pdf"));
        var turn = rig.Turn(CozeRig.User(new TextContent("Look"), file, file));

        await rig.Run(turn);
        await rig.Run(turn);
        Assert.Equal(1, Uploads(server));
        await rig.Run(turn with { Account = rig.Account with { Id = "other" } });
        Assert.Equal(2, Uploads(server));
        _time.Advance(TimeSpan.FromHours(25));
        await rig.Run(turn);
        Assert.Equal(3, Uploads(server));
    }

    [Fact]
    public async Task Open_FileRefused_SendsNoChat()
    {
        await using var server = await WireServer.Start("""{"code":4302,"msg":"file too large"}""");
        using var rig = new CozeRig(server.BaseUrl, _time);

        var error = await rig.OpenThrows(rig.Turn(CozeRig.User(new TextContent("Look"), new FileContent(await Blob(rig, "a", "x/y")))));

        Assert.Equal(ErrorCode.FileRejected, error.Code);
        Assert.Equal(0, server.Requests.Count(request => request.Path == "/v3/chat"));
    }

    [Fact]
    public async Task Open_ExpiredBlob_IsNotFound()
    {
        await using var server = await Start();
        using var rig = new CozeRig(server.BaseUrl, _time);
        var expired = new MediaSource(null, new BlobRef("expired", "image/png", "a.png", 11));

        Assert.Equal(ErrorCode.NotFound, (await rig.OpenThrows(rig.Turn(CozeRig.User(new TextContent("Look"), new ImageContent(expired))))).Code);
    }

    [Fact]
    public async Task Open_UploadInterrupted_IsUnavailable()
    {
        await using var server = await WireServer.Start((context, _) =>
        {
            context.Abort();
            return Task.CompletedTask;
        });
        using var rig = new CozeRig(server.BaseUrl, _time);

        // Not "outcome unknown": an upload starts nothing.
        Assert.Equal(
            ErrorCode.UpstreamUnavailable,
            (await rig.OpenThrows(rig.Turn(CozeRig.User(new TextContent("Look"), new ImageContent(await Blob(rig, "a.png", "image/png")))))).Code);
    }

    private static int Uploads(WireServer server) => server.Requests.Count(request => request.Path == "/v1/files/upload");

    private static async Task<MediaSource> Blob(CozeRig rig, string name, string type) =>
        new(null, await rig.Blobs.Put("t", name, type, Encoding.UTF8.GetBytes("bytes of it"), CozeRig.Stop));

    private static Task<WireServer> Start() => WireServer.Start((context, request) => request.Path == "/v1/files/upload"
        ? WireServer.Write(context, """{"code":0,"data":{"id":734,"bytes":11,"file_name":"x"}}""")
        : WireServer.Stream(context, Wire.Created + Wire.MessageCompleted("answer", "Seen") + Wire.Completed));
}
