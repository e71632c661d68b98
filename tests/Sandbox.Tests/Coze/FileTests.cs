using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Tests.Coze;

public sealed class FileTests
{
    [Fact]
    public async Task Upload_CanBeRetrievedAndUsedInAChat()
    {
        await using var client = await CozeClient.StartAsync();

        var uploaded = (await UploadAsync(client, ("file", "ph oto-é.png", [1, 2, 3])))["data"]!;
        var retrieved = (await client.GetAsync($"v1/files/retrieve?file_id={uploaded["id"]}"))["data"]!;
        var body = CozeClient.Body("");
        body["additional_messages"]![0]!["content_type"] = "object_string";
        body["additional_messages"]![0]!["content"] = new JsonArray(
            new JsonObject { ["type"] = "text", ["text"] = "[[say=seen]]" },
            new JsonObject { ["type"] = "image", ["file_id"] = (string?)uploaded["id"] }).ToJsonString();

        Assert.Equal(3, (long)uploaded["bytes"]!);
        Assert.Equal("ph oto-é.png", (string?)uploaded["file_name"]);
        Assert.Equal(uploaded.ToJsonString(), retrieved.ToJsonString());
        Assert.Equal("seen", (await client.StreamAsync("v3/chat", body)).Text());
    }

    [Fact]
    public async Task Upload_OfAnotherAccount_IsUnknown()
    {
        await using var client = await CozeClient.StartAsync();
        var id = (string)(await UploadAsync(client, ("file", "a.txt", [1])))["data"]!["id"]!;
        client.Token = "pat_sandbox_2";

        Assert.Equal(4300, (int)(await client.GetAsync($"v1/files/retrieve?file_id={id}"))["code"]!);
    }

    [Fact]
    public async Task Upload_InAnotherField_IsRefused()
    {
        await using var client = await CozeClient.StartAsync();

        Assert.Equal(4000, (int)(await UploadAsync(client, ("picture", "a.txt", [1])))["code"]!);
    }

    [Fact]
    public async Task Upload_OfTwoFiles_IsRefused()
    {
        await using var client = await CozeClient.StartAsync();

        Assert.Equal(4000, (int)(await UploadAsync(client, ("file", "a.txt", [1]), ("file", "b.txt", [2])))["code"]!);
    }

    [Fact]
    public async Task Upload_OfJson_IsRefused()
    {
        await using var client = await CozeClient.StartAsync();

        Assert.Equal(4000, (int)(await client.PostAsync("v1/files/upload", new JsonObject()))["code"]!);
    }

    [Fact]
    public async Task Upload_LargerThanOtherRequestBodies_IsAccepted()
    {
        await using var client = await CozeClient.StartAsync();

        Assert.Equal(20_000_000, (long)(await UploadAsync(client, ("file", "big.bin", new byte[20_000_000])))["data"]!["bytes"]!);
    }

    private static async Task<JsonNode> UploadAsync(CozeClient client, params (string Field, string Name, byte[] Bytes)[] files)
    {
        using var form = new MultipartFormDataContent();
        foreach (var (field, name, bytes) in files) form.Add(new ByteArrayContent(bytes), field, name);
        using var response = await client.Http.PostAsync("v1/files/upload", form, client.TimeoutToken);
        return JsonNode.Parse(await response.Content.ReadAsStringAsync(client.TimeoutToken))!;
    }
}
