using System.Text.Json;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Surfaces.OpenApi;
using Microsoft.AspNetCore.Routing;

namespace CozeCluster.Gateway.Surfaces.Billing;

/// <summary>
/// <c>/dashboard/billing/*</c>: the balance that chat panels show. OpenAI has removed these routes; NextChat, one-api and others still call them, with and
/// without <c>/v1</c>. A tenant has no balance in dollars, so the limit is the number that these clients take for "unlimited", and nothing is used.
/// </summary>
internal static class BillingApi
{
    /// <summary>What one-api reports for a key without a limit.</summary>
    private const int Unlimited = 100_000_000;

    public static void Map(IEndpointRouteBuilder routes)
    {
        foreach (var prefix in (string[])["", "/v1"])
        {
            var suffix = prefix.Length == 0 ? "" : "V1";
            routes.MapTenant(
                "GET", prefix + "/dashboard/billing/subscription", static context => JsonBody.Write(context, 0, WriteSubscription), "Billing",
                "readSubscription" + suffix, "Says that the key has no limit in dollars. For chat panels.", static operation =>
                    operation.Responses!.Add("200", Schemas.Json("The limits.", Schemas.Any())));
            routes.MapTenant(
                "GET", prefix + "/dashboard/billing/usage", static context => JsonBody.Write(context, 0, WriteUsage), "Billing",
                "readUsage" + suffix, "Says that no dollars were used. For chat panels.", static operation =>
                    operation.Responses!.Add("200", Schemas.Json("The usage.", Schemas.Any())));
        }
    }

    private static void WriteSubscription(Utf8JsonWriter writer, int _)
    {
        writer.WriteStartObject();
        writer.WriteString("object"u8, "billing_subscription"u8);
        writer.WriteBoolean("has_payment_method"u8, true);
        writer.WriteNumber("soft_limit_usd"u8, Unlimited);
        writer.WriteNumber("hard_limit_usd"u8, Unlimited);
        writer.WriteNumber("system_hard_limit_usd"u8, Unlimited);
        writer.WriteNumber("access_until"u8, 0);
        writer.WriteEndObject();
    }

    private static void WriteUsage(Utf8JsonWriter writer, int _)
    {
        writer.WriteStartObject();
        writer.WriteString("object"u8, "list"u8);
        writer.WriteNumber("total_usage"u8, 0);
        writer.WriteEndObject();
    }
}
