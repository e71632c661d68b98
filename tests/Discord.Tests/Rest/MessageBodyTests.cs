using System.Text;

namespace CozeCluster.Discord.Tests;

public sealed class MessageBodyTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Plain_message_is_json_with_only_the_fields_that_are_set()
    {
        var message = MessageBody.Prepare(new NewMessage
        {
            Content = "<@5> hi",
            Nonce = "n",
            AllowedMentions = AllowedMentions.Only(new Snowflake(5)),
            MessageReference = new MessageReference { MessageId = new Snowflake(9), FailIfNotExists = false },
        });

        using var body = await MessageBody.Create(message, Stop);

        Assert.Equal("application/json", body.Headers.ContentType!.ToString());
        Assert.Equal(
            """{"content":"\u003C@5\u003E hi","nonce":"n","enforce_nonce":true,"allowed_mentions":{"users":["5"],"parse":[]},"""
                + "\"message_reference\":{\"message_id\":\"9\",\"fail_if_not_exists\":false}}",
            await body.ReadAsStringAsync(Stop));
    }

    [Fact]
    public async Task Files_are_sent_as_multipart_with_their_names_in_utf8()
    {
        var message = MessageBody.Prepare(new NewMessage
        {
            Content = "see",
            Nonce = "n",
            Files =
            [
                DiscordFile.Of("图\".png", "image/png", [1, 2, 3]),
                DiscordFile.Of("a\r\nb.txt", "not a type", "text"u8.ToArray()) with { Description = "what it is" },
            ],
        });

        using var body = await MessageBody.Create(message, Stop);
        var text = Encoding.UTF8.GetString(await body.ReadAsByteArrayAsync(Stop));

        Assert.StartsWith("multipart/form-data; boundary=", body.Headers.ContentType!.ToString(), StringComparison.Ordinal);
        Assert.Contains("name=payload_json", text, StringComparison.Ordinal);
        Assert.Contains("""{"id":"1","filename":"a\r\nb.txt","description":"what it is"}""", text, StringComparison.Ordinal);
        Assert.Contains(
            "Content-Type: image/png\r\nContent-Length: 3\r\nContent-Disposition: form-data; name=\"files[0]\"; filename=\"图%22.png\"",
            text,
            StringComparison.Ordinal);
        Assert.Contains("name=\"files[1]\"; filename=\"ab.txt\"", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task File_is_opened_again_for_each_attempt()
    {
        var opened = 0;
        await using var rig = new RestRig(await RestServer.Start(RestServer.Respond("", 500), RestServer.Respond("""{"id":"7","channel_id":"111"}""")));
        var file = new DiscordFile("a.txt", "text/plain", 4, _ =>
        {
            opened++;
            return ValueTask.FromResult<Stream>(new MemoryStream("text"u8.ToArray()));
        });

        await Until.Completed(rig.Rest.CreateMessage(RestRig.Channel, new NewMessage { Files = [file] }, null, rig.Timeout), rig.Time, TimeSpan.FromSeconds(2));

        Assert.Equal(2, opened);
        Assert.All(rig.Requests, request => Assert.Contains("\r\n\r\ntext\r\n", request.Body, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Missing_file_fails_with_the_error_of_the_blob_store()
    {
        await using var rig = new RestRig(await RestServer.Start(RestServer.Respond("{}")));
        var file = new DiscordFile("a.txt", null, 4, _ => throw new ClusterException(ErrorCode.NotFound, "expired"));

        var error = await rig.ExpectError(rig.Rest.CreateMessage(RestRig.Channel, new NewMessage { Files = [file] }, null, rig.Timeout));

        Assert.Equal(ErrorCode.NotFound, error.Code);
        Assert.Empty(rig.Requests);
    }

    [Fact]
    public void Messages_that_Discord_would_reject_are_rejected_before_sending()
    {
        AssertRejected(ErrorCode.UpstreamInvalidRequest, new NewMessage { Content = new string('x', 2001) });
        AssertRejected(ErrorCode.UpstreamInvalidRequest, new NewMessage { Content = " \n" });
        AssertRejected(ErrorCode.UpstreamInvalidRequest, new NewMessage { Content = "x", Nonce = new string('n', 26) });
        AssertRejected(ErrorCode.FileRejected, new NewMessage { Files = [.. Enumerable.Repeat(File(1), 11)] });
        AssertRejected(ErrorCode.FileRejected, new NewMessage { Files = [File((10 << 20) + 1)] });
        AssertRejected(ErrorCode.FileRejected, new NewMessage { Files = [.. Enumerable.Repeat(File(9 << 20), 3)] });
    }

    private static void AssertRejected(ErrorCode code, NewMessage message) =>
        Assert.Equal(code, Assert.Throws<ClusterException>(() => MessageBody.Prepare(message)).Code);

    private static DiscordFile File(long length) => new("a", null, length, _ => throw new InvalidOperationException("not to be opened"));
}
