using System.Text.Json;

namespace CozeCluster.Gateway.Tests.Fakes;

/// <summary>Reads responses.</summary>
public static class HttpResponseExtensions
{
    public static async Task<JsonElement> ReadJson(this HttpResponseMessage response) =>
        JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;

    /// <summary>Reads the object inside <c>error</c>.</summary>
    public static async Task<JsonElement> ReadError(this HttpResponseMessage response) => (await response.ReadJson()).GetProperty("error");

    /// <summary>Reads a member of the object inside <c>error</c>.</summary>
    public static async Task<string?> ReadError(this HttpResponseMessage response, string member) =>
        (await response.ReadError()).GetProperty(member).GetString();

    /// <summary>Reads the <c>x-turn-id</c> header.</summary>
    public static string ReadTurnId(this HttpResponseMessage response) => response.Headers.GetValues("x-turn-id").Single();
}
